# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""All rows of one database into another that is empty, and whether they are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import RowMapping, Table, bindparam, func, insert, select, text, tuple_

from trustpub.index.adapters.sql.database import Opened
from trustpub.index.adapters.sql.tables import metadata

_BATCH = 1000


def tables() -> list[Table]:
    """All, those that others point to first."""
    return list(metadata.sorted_tables)


def copy_rows(source: Opened, target: Opened, tell: Callable[[str, int], None] = lambda table, rows: None) -> int:
    """Every row of every table; how many. ``tell`` is called with each table and how many of its rows are over."""
    total = 0
    for table in tables():
        done = 0
        batch: list[dict[str, Any]] = []
        for row in _ordered(source, table):
            batch.append(dict(row))
            if len(batch) == _BATCH:
                done += _put(target, table, batch)
                batch = []
                tell(table.name, done)
        if batch:
            done += _put(target, table, batch)
        tell(table.name, done)
        total += done
    if target.core.dialect.name == "postgresql":
        # The next event gets the next number.
        target.core.execute(text("SELECT setval(pg_get_serial_sequence('events', 'id'), (SELECT max(id) FROM events))"))
    return total


def difference(one: Opened, other: Opened) -> str | None:
    """Where the rows of two databases differ, as a clause that shows no value; None if they are the same."""
    for table in tables():
        if (ours := _count(one, table)) != (theirs := _count(other, table)):
            return f"the table {table.name} has {ours} rows here and {theirs} there"
        both = zip(_ordered(one, table), _ordered(other, table), strict=True)
        for number, (mine, its) in enumerate(both, 1):
            for column in table.c:
                if mine[column.name] != its[column.name]:
                    return f"row {number} of the table {table.name} has another {column.name}"
    return None


def _ordered(opened: Opened, table: Table) -> Iterator[RowMapping]:
    """By its key, a thousand at a time."""
    key = list(table.primary_key.columns)
    last: RowMapping | None = None
    while True:
        statement = select(table).order_by(*key).limit(_BATCH)
        if last is not None:
            statement = statement.where(tuple_(*key) > tuple_(*(bindparam(None, last[one.name]) for one in key)))
        found = opened.core.execute(statement).mappings().all()
        yield from found
        if len(found) < _BATCH:
            return
        last = found[-1]


def _put(target: Opened, table: Table, rows: list[dict[str, Any]]) -> int:
    target.core.execute(insert(table), rows)
    return len(rows)


def _count(opened: Opened, table: Table) -> int:
    return int(opened.core.execute(select(func.count()).select_from(table)).scalar_one())
