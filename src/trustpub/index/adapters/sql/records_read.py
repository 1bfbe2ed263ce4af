# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Reading of what was noted: events, and identities that were proven and refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select, union_all

from trustpub.index.adapters.sql.portable import Day
from trustpub.index.adapters.sql.rows import attempt_of, event_of
from trustpub.index.adapters.sql.statements import Statements
from trustpub.index.adapters.sql.tables import attempts, events
from trustpub.index.kept import Attempt, Event


class RecordsReading(Statements):
    """The part of :class:`trustpub.index.ports.Reading` that is about what happened."""

    def events(
        self,
        *,
        project_id: str | None = None,
        limit: int = 100,
        kinds: Collection[str] = (),
        before: int | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Sequence[Event]:
        wanted = []
        if project_id is not None:
            wanted.append(events.c.project_id == project_id)
        if before is not None:
            wanted.append(events.c.id < before)
        if since is not None:
            wanted.append(events.c.at >= since)
        if until is not None:
            wanted.append(events.c.at < until)
        statement = select(events).order_by(events.c.id.desc()).limit(limit)
        if kinds and project_id is None:
            # For each kind its newest, which the index hands out in order; not all there are, to be sorted.
            newest = [
                select(events.c.id).where(events.c.kind == kind, *wanted).order_by(events.c.id.desc()).limit(limit)
                for kind in sorted(set(kinds))
            ]
            ids = union_all(*(select(one.subquery()) for one in newest))
            statement = statement.where(events.c.id.in_(ids))
        elif kinds:
            statement = statement.where(events.c.kind.in_(sorted(set(kinds))), *wanted)
        else:
            statement = statement.where(*wanted)
        return [event_of(row) for row in self._rows(statement)]

    def counts(self, kinds: Collection[str], *, since: float) -> Mapping[tuple[str, int], int]:
        day = Day(events.c.at).label("day")
        counted = select(events.c.kind, day, func.count().label("many"))
        wanted = counted.where(events.c.kind.in_(sorted(set(kinds))), events.c.at >= since)
        rows = self._rows(wanted.group_by(events.c.kind, day).order_by(day, events.c.kind))
        return {(row["kind"], row["day"]): row["many"] for row in rows}

    def attempts(self, *, project_id: str | None, limit: int = 100) -> Sequence[Attempt]:
        statement = select(attempts).where(attempts.c.project_id.is_not_distinct_from(project_id))
        newest = statement.order_by(attempts.c.last.desc(), attempts.c.id).limit(limit)
        return [attempt_of(row) for row in self._rows(newest)]

    def attempt(self, attempt_id: str) -> Attempt | None:
        row = self._row(attempts, attempts.c.id == attempt_id)
        return None if row is None else attempt_of(row)
