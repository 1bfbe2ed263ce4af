# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Writing that takes rows away for good, or what they say: nothing else changes an event that happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Table, delete, func, or_, select, text, update

from trustpub.index.adapters.sql.people_write import PeopleWriting
from trustpub.index.adapters.sql.reading import PROJECT_LIST
from trustpub.index.adapters.sql.tables import counters, events, files, invitations, letters, projects, provenances
from trustpub.index.adapters.sql.upsert import insert_or_update

_UNCHANGED = "events_unchanged"
"""The trigger that refuses to change an event."""


class PurgingWriting(PeopleWriting):
    """The part of :class:`trustpub.index.ports.Writing` that purges."""

    def remove_files(self, project_id: str) -> None:
        theirs = files.c.project_id == project_id
        names = select(files.c.filename).where(theirs)
        self._run(delete(provenances).where(provenances.c.filename.in_(names)))
        self._run(delete(files).where(theirs))
        # Held, as a name before its first release is: the next step takes it away like one of those.
        self._run(update(projects).where(projects.c.id == project_id).values(pending_until=0))
        more = {"value": counters.c.value + 1}
        self._run(insert_or_update(counters, {"name": PROJECT_LIST, "value": 1}, ["name"], more))

    def forget_address(self, email: str) -> None:
        self._run(delete(letters).where(func.lower(letters.c.to) == email.lower()))
        self._run(delete(invitations).where(func.lower(invitations.c.email) == email.lower()))

    def rewrite(self, said: Sequence[str], change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> int:
        self._rewrite(files, "filename", files.c.origin, said, change)
        with self._changing_events():
            return self._rewrite(events, "id", events.c.facts, said, change)

    def _rewrite(
        self,
        table: Table,
        key: str,
        column: Column[Any],
        said: Sequence[str],
        change: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> int:
        near = or_(*(func.lower(column).contains(_inside(one), autoescape=True) for one in said))
        found = self._connection.execute(select(table.c[key], column).where(near)).all()
        count = 0
        for at, content in found:
            before = json.loads(content)
            after = change(before)
            if after != before:
                self._run(update(table).where(table.c[key] == at).values({column.name: json.dumps(dict(after))}))
                count += 1
        return count

    @contextmanager
    def _changing_events(self) -> Iterator[None]:
        """Without the trigger, within this transaction; nobody else ever sees the table without it."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text(f"ALTER TABLE events DISABLE TRIGGER {_UNCHANGED}"))
            yield
            self._connection.execute(text(f"ALTER TABLE events ENABLE TRIGGER {_UNCHANGED}"))
            return
        made = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")
        trigger = self._connection.execute(made, {"name": _UNCHANGED}).scalar_one()
        self._connection.exec_driver_sql(f"DROP TRIGGER {_UNCHANGED}")
        yield
        self._connection.exec_driver_sql(trigger)


def _inside(said: str) -> str:
    """As it is within a JSON text."""
    return json.dumps(said.lower())[1:-1]
