# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A pasted log or error: its lines, the claims that clients print after a refusal, and what the project declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from trustpub.declared import NOTHING, Declared, DeclaredPublisher
from trustpub.printable import printable

MAX_CHARACTERS = 4_000_000
"""More of a log is not read: its end, where failures are."""
SHOWN = 3
"""Lines that are quoted for one failure."""

CLAIMS = frozenset(
    {"sub", "aud", "iss", "repository", "repository_id", "repository_owner", "repository_owner_id", "workflow_ref"}
    | {"job_workflow_ref", "ref", "environment", "event_name", "project_path", "ci_config_ref_uri", "project_id"}
    | {"namespace_id", "ref_path", "pipeline_source", "email", "email_verified", "organization_slug", "pipeline_slug"}
)
"""Names that clients print."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_STAMP = re.compile(r"\A\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?")
_COMMAND = re.compile(r"\A(?:##\[[a-z]+\]|::(?:error|warning|notice)(?: [^:]*)?::)")
_SECRET = re.compile(r"pypi-[A-Za-z0-9_-]{16,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+")
_NAMES = "|".join(sorted(CLAIMS, key=len, reverse=True))
_CLAIM = re.compile(
    rf"""(?<![\w.-])[`"']?(?P<name>{_NAMES})[`"']?\s*[:=]\s*
    (?:Some\(\s*)?(?:`(?P<ticked>[^`]*)`|"(?P<quoted>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>\(none\)|None|MISSING|null|[^\s,;{{}}()"'`]+))""",
    re.VERBOSE,
)
_ABSENT = frozenset({"MISSING", "None", "null", "(none)", ""})
_OURS = re.compile(
    r"(?P<field>[\w.-]+): the identity (?:(?P<none>has none)|says (?P<given>.+?)), the publisher wants (?P<wanted>.+)\Z"
)
_SAID = re.compile(
    r'"field":\s*"(?P<field>[^"]+)",\s*"given":\s*(?:null|"(?P<given>[^"]*)"),\s*"wanted":\s*(?:null|"(?P<wanted>[^"]*)")'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field in which the identity is not what a publisher wants."""

    field: str
    """As the form of the index calls it."""
    given: str | None
    """None: the identity says nothing about it."""
    wanted: str | None
    """None: that is not told."""

    @property
    def only_in_case(self) -> bool:
        """Whether the two differ in nothing but capitals."""
        same = self.given is not None and self.wanted is not None and self.given.lower() == self.wanted.lower()
        return same and self.given != self.wanted

    @property
    def sentence(self) -> str:
        """For a person."""
        given = "the job has none" if self.given is None else f"the job's is {printable(self.given, 200)}"
        wanted = "something else" if self.wanted is None else printable(self.wanted, 200)
        return f"{self.field}: {given}, wanted is {wanted}."


@dataclass(frozen=True, slots=True)
class Log:
    """A log, read once."""

    lines: tuple[str, ...]
    """Without colours, time stamps and the marks of runners."""
    claims: Mapping[str, str | None]
    """As they were printed; None where one was said to be missing."""
    publisher: DeclaredPublisher | None = None
    """The one that the project declares for the index."""
    refused: tuple[Difference, ...] = field(default=())
    """What the index itself said differs."""

    def matching(self, *patterns: str) -> tuple[str, ...]:
        """The first lines in which one of these regular expressions is found; whatever the case.

        Where none is found in a line of its own, the whole log is looked at, white space folded: consoles wrap.
        """
        wanted = [re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE) for pattern in patterns]
        found = [line for line in self.lines if any(one.search(line) for one in wanted)]
        if not found:
            whole = " ".join(self.lines)
            found = [match[0] for one in wanted if (match := one.search(whole))]
        return tuple(dict.fromkeys(shown(line) for line in found))[:SHOWN]

    def differences(self) -> tuple[Difference, ...]:
        """In what the job is not the publisher: as the index says, else as follows from what the project declares."""
        return self.refused or tuple(self._undeclared())

    def _undeclared(self) -> Iterator[Difference]:
        if self.publisher is None:
            return
        fields = self.publisher.fields
        for name, claim in self._compared().items():
            wanted = fields.get(name)
            if claim not in self.claims or wanted is None:
                continue
            given = file_of(self.claims[claim]) if name in ("workflow", "workflow_filepath") else self.claims[claim]
            if given != wanted and not (name == "environment" and _same(given, wanted)):
                yield Difference(field=name, given=given, wanted=wanted)

    def _compared(self) -> Mapping[str, str]:
        kind = self.publisher.kind if self.publisher is not None else ""
        if kind == "github":
            return {
                "repository": "repository", "workflow": "job_workflow_ref", "environment": "environment",
                "owner_id": "repository_owner_id", "repository_id": "repository_id",
            }  # fmt: skip
        if kind == "gitlab":
            return {
                "workflow_filepath": "ci_config_ref_uri", "environment": "environment", "project_id": "project_id",
                "namespace_id": "namespace_id",
            }  # fmt: skip
        return {"email": "email", "sub": "sub"} if kind == "google" else {}


def read(text: str, declared: Declared = NOTHING, index: str | None = None) -> Log:
    """The log in ``text``. ``index`` is the name of the index that is meant, else the declared default, else PyPI."""
    lines = tuple(_clean(line) for line in text[-MAX_CHARACTERS:].splitlines())
    named = declared.indexes.get(index or declared.default_index or "pypi")
    return Log(lines, _claims(lines), named.publisher if named is not None else None, tuple(_refused(lines)))


def shown(line: str) -> str:
    """A line of a log, fit to be shown: one line, 300 characters, and no token that somebody pasted with it."""
    return printable(_SECRET.sub("***", line), 300)


def file_of(workflow_ref: str | None) -> str | None:
    """The file in ``owner/name/.github/workflows/FILE@ref``; the path in ``host/group/project//PATH@ref``."""
    if workflow_ref is None:
        return None
    path = workflow_ref.partition("@")[0]
    return path.partition("//")[2] or path.rpartition("/")[2]


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()


def _clean(line: str) -> str:
    line = _STAMP.sub("", _ANSI.sub("", line)).rstrip()
    return _COMMAND.sub("", line)


def _claims(lines: tuple[str, ...]) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for line in lines:
        # A line may hold the whole set, as JSON or as a structure printed for debugging.
        for match in _CLAIM.finditer(line):
            values = [match[group] for group in ("ticked", "quoted", "single", "bare")]
            value = next((value for value in values if value is not None), "")
            found[match["name"]] = None if value in _ABSENT else value
    return found


def _refused(lines: tuple[str, ...]) -> Iterator[Difference]:
    for line in lines:
        match = _OURS.search(line)
        if match is not None:
            wanted = None if match["wanted"] == "something else" else match["wanted"]
            yield Difference(field=match["field"], given=match["given"], wanted=wanted)
        for said in _SAID.finditer(line):
            yield Difference(field=said["field"], given=said["given"], wanted=said["wanted"])
