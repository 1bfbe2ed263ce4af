# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The audit log, for people: what happened, when, and who did it. Nothing in it can be changed or removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from trustpub.index.kept import Event
from trustpub.index.ports import Store
from trustpub.printable import printable

PAGE = 50
"""Events on one page."""

GROUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "files": (
        "Releases and files",
        {
            "file-uploaded": "File uploaded",
            "file-handed-on": "File handed on to the index behind this one",
            "file-not-taken": "File not taken by the index behind this one",
            "file-imported": "File imported from another index",
            "file-yanked": "File yanked",
            "file-unyanked": "File offered again",
            "file-deleted": "File deleted",
            "provenance-changed": "Published otherwise than the release before",
        },
    ),
    "publishers": (
        "Publishers",
        {
            "publisher-added": "Publisher added",
            "publisher-removed": "Publisher removed",
            "publisher-pinned": "Ids of a publisher pinned",
            "publisher-rules-changed": "Rules of a publisher changed",
            "pending-publisher-dropped": "Pending publisher dropped",
            "environment-ignored": "Environment of a job made no difference",
        },
    ),
    "identities": (
        "Identities and tokens",
        {
            "token-minted": "Token minted",
            "token-repeated": "Token asked for again",
            "token-burned": "Token burned",
            "token-created": "Token made for a person",
            "token-revoked": "Token of a person ended",
            "identity-refused": "Identity refused",
        },
    ),
    "people": (
        "People",
        {
            "owner-added": "Owner added",
            "member-added": "Member added",
            "member-role-set": "Role of a member changed",
            "member-removed": "Member removed",
            "member-left": "Member left",
        },
    ),
    "project": (
        "Status and policy",
        {
            "project-added": "Project made by its first upload",
            "project-held": "Name held",
            "project-withheld": "Name withheld",
            "project-freed": "Name given up",
            "name-nearly-up": "Name is held for not much longer",
            "project-policy-set": "Policy changed",
            "project-active": "Made active again",
            "project-archived": "Archived",
            "project-deprecated": "Deprecated",
            "project-quarantined": "Put in quarantine",
        },
    ),
}
"""What can be asked for together: word, title, and kinds of events with what they are called."""

_TITLES = {kind: title for _, kinds in GROUPS.values() for kind, title in kinds.items()}
_ELSEWHERE = frozenset({"by", "user", "project"})
"""Facts that are not told as such: they are who did it, and to which project."""
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for."""

    group: str = ""
    """One of :data:`GROUPS`; empty: everything."""
    since: date | None = None
    """The first day, in UTC."""
    until: date | None = None
    """The last day, which counts whole."""
    before: int | None = None
    """Older than the event with this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event in words. All texts are printable."""

    at: float
    kind: str
    title: str
    who: str
    """A person or a publisher; empty where the index itself did it, or somebody with commands beside it."""
    facts: Sequence[tuple[str, str]]
    """Names and values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Events, the newest first."""

    events: Sequence[Told]
    before: int | None
    """Where the next page begins; None: there is none."""


class Log:
    """Reads it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, project_id: str | None, wanted: Wanted) -> LogPage:
        """One page: of a project, or of the whole index."""
        kinds = tuple(GROUPS[wanted.group][1]) if wanted.group in GROUPS else ()
        with self._store.read() as reading:
            found = reading.events(
                project_id=project_id,
                limit=PAGE + 1,
                kinds=kinds,
                before=wanted.before,
                since=None if wanted.since is None else _midnight(wanted.since),
                until=None if wanted.until is None else _midnight(wanted.until) + 86_400,
            )
        more = found[PAGE - 1].number if len(found) > PAGE else None
        return LogPage(events=[told(one) for one in found[:PAGE]], before=more)


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """What a query asks for. What cannot be read is left out: a log shows rather more than less."""
    group = query.get("group", "")
    before = query.get("before", "")
    return Wanted(
        group=group if group in GROUPS else "",
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
        before=int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None,
    )


def told(event: Event) -> Told:
    """An event in words."""
    return Told(
        at=event.at,
        kind=event.kind,
        title=_TITLES.get(event.kind, printable(event.kind.replace("-", " ").capitalize(), 80)),
        who=_who(event),
        facts=[
            (name.replace("_", " "), value)
            for name, value in _flat({k: v for k, v in event.facts.items() if k not in _ELSEWHERE})
        ],
    )


def _who(event: Event) -> str:
    by, user = event.facts.get("by"), event.facts.get("user")
    if isinstance(by, Mapping):
        return printable(str(by.get("name", "")), 100)
    if isinstance(user, str) and user:
        return printable(user, 100)
    if event.publisher_id is None:
        return ""
    origin = event.facts.get("origin")
    known = origin if isinstance(origin, Mapping) else event.facts
    subject = known.get("subject") or known.get("repository") or known.get("project_path")
    return f"publisher {printable(str(subject), 100)}" if subject else "a publisher"


def _flat(facts: Mapping[str, Any], below: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in facts.items():
        path = printable(f"{below}, {name}" if below else str(name), 100)
        if name == "compared" and isinstance(value, list):
            found += _compared(value)
        elif isinstance(value, Mapping):
            found += _flat(value, "" if name == "origin" else path)
        elif value is not None and value not in ("", [], ()):
            found.append((path, _text(value)))
    return found[:60]


def _compared(checks: Sequence[Any]) -> list[tuple[str, str]]:
    """What was compared with an identity: field, wanted, given, and whether it holds."""
    return [
        (printable(str(one[0]), 100), f"{_text(one[2])}, {'as' if one[3] else 'and not'} wanted: {_text(one[1])}")
        for one in checks
        if isinstance(one, list) and len(one) == 4
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return printable(", ".join(map(str, value)), _LONGEST)
    return printable(str(value), _LONGEST)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 <= found.year <= 9000 else None


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
