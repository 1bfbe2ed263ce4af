# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of an index go from its folder to a PostgreSQL server: all of them, looked at one by one, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect

from trustpub.errors import Misuse
from trustpub.index.adapters.sql.copying import copy_rows, difference
from trustpub.index.adapters.sql.database import Database, Opened
from trustpub.index.adapters.sql.sqlite import SqliteDatabase
from trustpub.index.adapters.sql.store import MOVED, SqlStore, head, make_newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was done."""

    rows: int
    """That were copied; 0 where they had been before."""


def move(path: Path, target: Database, tell: Callable[[str, int], None]) -> Moved:
    """Copy every row of the SQLite database at ``path``, compare each, and mark the file as moved.

    The file is locked all the while. If this is killed before the end, the server has nothing, or everything; then
    doing it again only compares, and marks.

    Raises:
        Misuse: it was moved before, is not of this version, or the server's database has something else in it.
        Unreachable, NoRoom: as the databases do.
    """
    source = SqliteDatabase(path)
    try:
        _check(SqlStore(source).revision())
        with source.writing() as here:
            with target.upgrading() as there:
                rows = _fill(here, there, tell)
            here.driver.execute("UPDATE alembic_version SET version_num = ?", (MOVED,))
    finally:
        source.close()
    return Moved(rows=rows)


def _fill(here: Opened, there: Opened, tell: Callable[[str, int], None]) -> int:
    rows = 0
    if not inspect(there.core).get_table_names():
        make_newest(there)
        rows = copy_rows(here, there, tell)
    elif not inspect(there.core).has_table("alembic_version"):
        raise Misuse("The PostgreSQL database is not empty, and what is in it is no index.")
    if (fault := difference(here, there)) is not None:
        said = "What was copied is not what is here" if rows else "The PostgreSQL database is not empty"
        raise Misuse(f"{said}: {fault}.", hint="Name an empty database. Nothing was changed.")
    return rows


def _check(revision: str | None) -> None:
    if revision == MOVED:
        raise Misuse("The rows of this index were moved to a PostgreSQL server before.")
    if revision != head():
        raise Misuse(
            "The index is of another version of trustpub, or was never started.",
            hint="Start it once with this version; then move it.",
        )
