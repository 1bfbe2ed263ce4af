# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The files to publish: found, read and judged by the index's own rules, before any token exists.

:func:`judge` looks into every file, :func:`digested` reads it whole; between the two the index can be asked already.
:func:`collect` does both.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.version import Version

from trustpub.declared import Count
from trustpub.errors import Misuse
from trustpub.packages import archives, metadata, names
from trustpub.printable import printable
from trustpub.protocol.upload import MULTIPLE, SINGLE, WHEEL, Submission

DEFAULT = "dist/*"
ATTESTATION = ".attestation"
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A file that is fit to be published."""

    path: str
    filename: str
    size: int
    """Bytes."""
    submission: Submission
    """The form it goes up with; its digests are None as long as nobody asked for them (:func:`digested`)."""
    attestations: tuple[str, ...] = ()
    """The JSON of each attestation (PEP 740) that goes up with it, as it stands in its file."""

    @property
    def project(self) -> str:
        """Its name in normal form."""
        return names.normalize(self.submission.name)

    @property
    def version(self) -> str:
        """In normal form."""
        return str(Version(self.submission.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is not sent."""

    path: str
    reason: str
    """Goes on after the path: ``is of another file``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the arguments came to."""

    distributions: Sequence[Distribution]
    """In the order to upload: wheels by name, then source distributions. A project that appears with a wheel is
    never, not even for a moment, installable only by building it."""
    left_out: Sequence[LeftOut] = ()
    """Attestations that fit no distribution."""
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By file name the paths of what lies beside a distribution and is named like an attestation of it."""


def collect(arguments: Sequence[str]) -> Found:
    """The distributions that ``arguments`` (paths or patterns; none: ``dist/*``) stand for, with digests.

    Raises:
        Misuse: there is none, one is not a distribution or not one that an index takes, or two have the same name.
            Names every file that is at fault.
    """
    found = judge(arguments)
    return replace(found, distributions=[digested(one) for one in found.distributions])


def judge(arguments: Sequence[str]) -> Found:
    """The same, as far as that can be said without reading the files whole.

    Raises:
        Misuse: as :func:`collect`.
    """
    paths = named(arguments)
    proofs = [path for path in paths if path.endswith(ATTESTATION)]
    found: dict[str, Distribution] = {}
    faults: list[str] = []
    for path in paths:
        if path in proofs:
            continue
        filename = os.path.basename(path)
        if filename in found:
            faults.append(f"{printable(path)}: another file of this name is to be published: {found[filename].path}")
            continue
        try:
            found[filename] = _look_into(path)
        except Misuse as error:
            faults.append(error.message)
    if faults:
        raise Misuse("\n".join(["Nothing was published.", *faults]))
    if not found:
        raise Misuse("There is nothing to publish but attestations.")
    ordered = sorted(found.values(), key=lambda one: (one.submission.filetype != WHEEL, one.filename))
    beside = {one.filename: sorted({*_beside(one.path), *_of(one.filename, proofs)}) for one in ordered}
    used = {os.path.realpath(path) for paths in beside.values() for path in paths}
    stray = [path for path in proofs if os.path.realpath(path) not in used]
    return Found(
        distributions=ordered,
        left_out=[LeftOut(path=path, reason="is of no file that is to be published") for path in stray],
        beside={filename: paths for filename, paths in beside.items() if paths},
    )


def check_count(distributions: Sequence[Distribution], expected: Mapping[str, Count]) -> None:
    """That there are as many files of each kind as the project declares: a wheel that a job did not bring is missed
    here, and not by who wants to install it.

    Raises:
        Misuse: there are not.
    """
    wheels = sum(one.submission.filetype == WHEEL for one in distributions)
    found = {"wheels": wheels, "sdist": len(distributions) - wheels}
    faults = [
        f"  {kind}: there are {found[kind]}, and {count} are expected"
        for kind, count in expected.items()
        if not count.holds(found[kind])
    ]
    if faults:
        raise Misuse(
            "\n".join(["Nothing was published: these are not the files that pyproject.toml expects.", *faults]),
            hint="Build what is missing, or change `expect` in pyproject.toml.",
        )


def digested(distribution: Distribution) -> Distribution:
    """``distribution`` with its digests. The file is read in blocks.

    Raises:
        Misuse: it cannot be read any more, or is another size than it was.
    """
    if distribution.submission.sha256 is not None:
        return distribution
    shown = printable(distribution.path)
    try:
        size, sha256, blake2b_256 = _digests(distribution.path)
    except OSError as error:
        raise Misuse(f"{shown} cannot be read any more: {error.strerror}.") from None
    if size != distribution.size:
        raise Misuse(f"{shown} changed while it was being looked at.")
    return replace(distribution, submission=replace(distribution.submission, sha256=sha256, blake2b_256=blake2b_256))


def read(path: str) -> Distribution:
    """The distribution at ``path``, hashed, with its metadata.

    Raises:
        Misuse: it is not one. The message begins with the path.
    """
    return digested(_look_into(path))


def _look_into(path: str) -> Distribution:
    shown = printable(path)
    filename = os.path.basename(path)
    try:
        named = names.read_filename(filename)
        inside = metadata.read(path, named.filetype)
        fault = names.fault_in_filename(filename, inside.name, inside.version)
        if fault:
            raise Misuse(f"{shown}: {printable(fault)}")
        archives.check(path, named.filetype, inside.name, inside.version)
        size = os.path.getsize(path)
    except (names.BadFilename, metadata.BadMetadata, archives.BadArchive) as error:
        raise Misuse(f"{shown} is not a distribution that an index takes: {printable(str(error), 2000)}") from None
    except OSError as error:
        raise Misuse(f"{shown} cannot be read: {(error.strerror or 'it is not a file').lower()}.") from None
    submission = Submission(
        filetype=named.filetype,
        pyversion=named.pyversion,
        fields={header: values for header in (*SINGLE, *MULTIPLE) if (values := inside.fields.get(header.lower()))},
    )
    return Distribution(path=path, filename=filename, size=size, submission=submission)


def _beside(path: str) -> list[str]:
    """Attestations in the folder of a distribution: named like it, and then by what they are about."""
    folder, filename = os.path.split(path)
    return _of(filename, [os.path.join(folder, one) for one in os.listdir(folder or ".") if one.endswith(ATTESTATION)])


def _of(filename: str, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if os.path.basename(path).startswith(filename + ".")]


def named(arguments: Sequence[str]) -> list[str]:
    """The paths that ``arguments`` (paths or patterns; none: ``dist/*``) stand for, each once.

    Raises:
        Misuse: one names no file, or a folder.
    """
    paths: list[str] = []
    for argument in arguments or [DEFAULT]:
        if os.path.isdir(argument):
            raise Misuse(
                f"{printable(argument)} is a folder.", hint=f"Name files: {printable(os.path.join(argument, '*'))}"
            )
        if os.path.exists(argument):
            paths.append(argument)
            continue
        # The shell of a Windows runner expands nothing; and a pattern that matches nothing arrives as it was typed.
        matched = sorted(path for path in glob.glob(argument) if not os.path.isdir(path))
        if not matched:
            raise Misuse(f"{printable(argument)} names no file.", hint=_HINT if not arguments else None)
        paths += matched
    seen: dict[str, str] = {}
    for path in paths:
        seen.setdefault(os.path.realpath(path), path)
    return list(seen.values())


_HINT = "Build the project first (python -m build, or uv build), or name the files to publish."


def _digests(path: str) -> tuple[int, str, str]:
    sha256, blake2b_256, size = hashlib.sha256(), hashlib.blake2b(digest_size=32), 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            blake2b_256.update(block)
            size += len(block)
    return size, sha256.hexdigest(), blake2b_256.hexdigest()
