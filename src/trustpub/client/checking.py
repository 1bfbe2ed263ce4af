# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files judged as an index will: each by itself, and all of them as one release."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name
from packaging.version import Version

from trustpub.client import files
from trustpub.client.files import ATTESTATION, Distribution
from trustpub.declared import ANY_VERSION, Count
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.protocol.upload import WHEEL

Describe = Callable[[str, str | None], Sequence[str]]
"""Of a description and its content type: why it cannot be shown, in clauses."""
_TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What an index, or the project itself, wants beyond what every index does."""

    local_versions: bool = True
    max_bytes: int | None = None
    """Of one file."""
    expect: Mapping[str, Count] | None = None
    """How many files of a kind, as the project declares it."""
    tag: str | None = None
    """How a tag is made from a version, with :data:`trustpub.declared.ANY_VERSION` in it."""
    ref: str | None = None
    """The git ref that is built, whole; None where that is not known."""
    describe: Describe | None = None
    """None: descriptions are not looked at."""


PYPI = Demands(local_versions=False, max_bytes=100 * 1024 * 1024)
"""PyPI's and TestPyPI's, unless they gave a project more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of a file."""

    path: str
    faults: tuple[str, ...] = ()
    """Sentences; an index refuses it for each."""
    warnings: tuple[str, ...] = ()
    """Sentences; it is taken all the same."""
    distribution: Distribution | None = None
    """None where it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All files, and what is to be said of them together."""

    verdicts: tuple[Verdict, ...]
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether nothing is at fault."""
        return not self.faults and not any(verdict.faults for verdict in self.verdicts)


def check(paths: Sequence[str], demands: Demands) -> Judged:
    """The files at ``paths``, each judged, in this order; attestations among them are left to who sends them."""
    verdicts = tuple(_verdict(path, demands) for path in paths if not path.endswith(ATTESTATION))
    found = [verdict.distribution for verdict in verdicts if verdict.distribution is not None]
    return Judged(
        verdicts=verdicts, faults=tuple(_together(found, verdicts, demands)), warnings=tuple(_doubts(found, demands))
    )


def _verdict(path: str, demands: Demands) -> Verdict:
    try:
        distribution = files.read(path)
    except Misuse as error:
        # It begins with the path, which is said already.
        return Verdict(path=path, faults=(error.message.removeprefix(f"{printable(path)}: "),))
    verdict = Verdict(path=path, faults=tuple(_faults(distribution, demands)), distribution=distribution)
    return _described(verdict, distribution, demands)


def _faults(distribution: Distribution, demands: Demands) -> Iterator[str]:
    version = distribution.submission.version
    if not demands.local_versions and Version(version).local is not None:
        yield f"The version {version} has a local part, which this index does not take."
    if demands.max_bytes is not None and distribution.size > demands.max_bytes:
        yield f"It has {distribution.size:,} bytes, and this index takes {demands.max_bytes:,}."


def _described(verdict: Verdict, distribution: Distribution, demands: Demands) -> Verdict:
    fields = distribution.submission.fields
    text = "".join(fields.get("Description", ()))
    content_type = next(iter(fields.get("Description-Content-Type", ())), None)
    if not text.strip():
        return replace(verdict, warnings=(*verdict.warnings, "It has no description, so its page will be empty."))
    if demands.describe is None:
        return verdict
    if content_type is None:
        told = "Its description does not say what it is, and so counts as reStructuredText (text/x-rst)."
        verdict = replace(verdict, warnings=(*verdict.warnings, told))
    faults = tuple(f"Its description {fault}." for fault in demands.describe(text, content_type))
    return replace(verdict, faults=(*verdict.faults, *faults))


def _together(found: Sequence[Distribution], verdicts: Sequence[Verdict], demands: Demands) -> Iterator[str]:
    names: dict[str, str] = {}
    for verdict in verdicts:
        name = os.path.basename(verdict.path)
        if name in names:
            yield f"Two files have the name {printable(name)}: {printable(names[name])} and {printable(verdict.path)}."
        names.setdefault(name, verdict.path)
    yield from _unexpected(found, demands)
    if demands.tag is None or demands.ref is None or not demands.ref.startswith(_TAGS):
        return
    tag = demands.ref.removeprefix(_TAGS)
    for version in dict.fromkeys(one.submission.version for one in found):
        wanted = demands.tag.replace(ANY_VERSION, version)
        if tag != wanted:
            yield f"The tag {printable(tag)} does not match the version {version} in the files; it would be {wanted}."


def _unexpected(found: Sequence[Distribution], demands: Demands) -> Iterator[str]:
    wheels = sum(one.submission.filetype == WHEEL for one in found)
    for kind, count in (demands.expect or {}).items():
        number = wheels if kind == "wheels" else len(found) - wheels
        if not count.holds(number):
            what = "wheels" if kind == "wheels" else "source distributions"
            yield f"A release has {count} {what}, as pyproject.toml declares, and these are {number}."


def _doubts(found: Sequence[Distribution], demands: Demands) -> Iterator[str]:
    versions: dict[str, set[Version]] = {}
    for one in found:
        versions.setdefault(canonicalize_name(one.submission.name), set()).add(Version(one.submission.version))
    for name, several in versions.items():
        if len(several) > 1:
            listed = ", ".join(str(version) for version in sorted(several))
            yield f"{name} is here in several versions: {listed}. Files of an earlier build may lie in the folder."
    if demands.describe is None and found:
        yield 'Descriptions were not rendered: pip install "trustpub[setup]".'
