# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The audit log of the whole index: filtered for a page, and whole for a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from trustpub.index.browse.log import GROUPS, PAGE, LogPage, Wanted, read_wanted, told
from trustpub.index.kept import Event
from trustpub.index.ports import Store

_MORE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "accounts": (
        "Accounts and sign-ins",
        (
            "user-added", "user-suspended", "user-restored", "administrator-added", "administrator-removed",
            "email-changed", "password-changed", "password-reset", "signed-in", "second-factor-failed",
            "second-factor-added", "second-factor-removed", "recovery-codes-renewed", "recovery-code-used",
            "session-ended", "sessions-ended", "invited", "reset-allowed", "invitation-revoked", "openid-linked",
            "openid-unlinked", "letter-lost",
        ),
    ),
    "index": (
        "Issuers, names and switches",
        (
            "issuer-added", "issuer-changed", "issuer-keys-replaced", "issuer-removed", "issuer-enabled",
            "issuer-disabled", "issuer-keys-forgotten", "name-prohibited", "name-permitted", "hold-days-set",
            "read-only-started", "read-only-ended", "minting-stopped", "minting-resumed", "import-ended",
            "secret-replaced", "index-restored", "files-moved", "project-purged",
            "account-purged",
        ),
    ),
}  # fmt: skip
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{word: (title, tuple(kinds)) for word, (title, kinds) in GROUPS.items()},
    **_MORE,
}
"""What can be asked for together: word, title and kinds of events."""

FORMATS = {"csv": "text/csv", "jsonl": "application/jsonl"}
"""In which the log is handed out."""
CHUNK = 500
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of the log is asked for."""

    wanted: Wanted
    group: str = ""
    """One of :data:`KINDS`; empty: everything."""
    project: str = ""
    """Only of the project of this name; empty: of all, and of none."""

    def query(self) -> dict[str, str]:
        """The same as a query, but for where the page begins."""
        given = {
            "group": self.group,
            "project": self.project,
            "since": "" if self.wanted.since is None else self.wanted.since.isoformat(),
            "until": "" if self.wanted.until is None else self.wanted.until.isoformat(),
        }
        return {name: value for name, value in given.items() if value}


def read_asked(query: Mapping[str, str]) -> Asked:
    """What a query asks for; what cannot be read is left out."""
    group = query.get("group", "")
    return Asked(
        wanted=read_wanted(query),
        group=group if group in KINDS else "",
        project=query.get("project", "").strip()[:_LONGEST_NAME],
    )


class IndexLog:
    """Reads it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, asked: Asked) -> LogPage:
        """One page, the newest first; without events where the project that is named is none."""
        found = self._events(asked, before=asked.wanted.before, limit=PAGE + 1)
        more = found[PAGE - 1].number if len(found) > PAGE else None
        return LogPage(events=[told(one) for one in found[:PAGE]], before=more)

    def export(self, asked: Asked, form: str) -> Iterator[str]:
        """All of it, the newest first, piece by piece: as CSV with a header (RFC 4180), or as one JSON object a line.

        ``form``: one of :data:`FORMATS`.
        """
        if form == "csv":
            yield _csv_line(["at", "kind", "project_id", "publisher_id", "by", "facts"])
        before = None
        while found := self._events(asked, before=before, limit=CHUNK):
            yield "".join(_csv(one) if form == "csv" else _json(one) for one in found)
            before = found[-1].number

    def _events(self, asked: Asked, *, before: int | None, limit: int) -> list[Event]:
        with self._store.read() as reading:
            project_id = None
            if asked.project:
                project = reading.project(asked.project)
                if project is None:
                    return []
                project_id = project.id
            wanted = asked.wanted
            return list(
                reading.events(
                    project_id=project_id,
                    limit=limit,
                    kinds=KINDS[asked.group][1] if asked.group else (),
                    before=before,
                    since=None if wanted.since is None else _midnight(wanted.since),
                    until=None if wanted.until is None else _midnight(wanted.until) + 86_400,
                )
            )


def _json(event: Event) -> str:
    row: dict[str, Any] = {
        "at": _moment(event),
        "kind": event.kind,
        "project_id": event.project_id,
        "publisher_id": event.publisher_id,
        "facts": dict(event.facts),
    }
    return json.dumps(row, ensure_ascii=True, default=str) + "\n"


def _csv(event: Event) -> str:
    by = event.facts.get("by")
    who = str(by.get("name", "")) if isinstance(by, Mapping) else ""
    facts = json.dumps(dict(event.facts), ensure_ascii=True, default=str)
    return _csv_line([_moment(event), event.kind, event.project_id or "", event.publisher_id or "", who, facts])


def _csv_line(cells: list[str]) -> str:
    written = io.StringIO()
    # A cell that begins so is a formula to spreadsheets, and what is in it may come from anybody.
    csv.writer(written).writerow(
        [f"'{one}" if one.startswith(("=", "+", "-", "@", "\t", "\r")) else one for one in cells]
    )
    return written.getvalue()


def _moment(event: Event) -> str:
    return datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
