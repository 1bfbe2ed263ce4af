# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where the rows of an index are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trustpub.errors import Misuse
from trustpub.index.adapters.sql.store import MOVED, SqlStore
from trustpub.index.settings import Postgres

if TYPE_CHECKING:
    from trustpub.index.adapters.sql.postgres import PostgresDatabase

DATABASE = "index.db"
"""The file in the folder, where the rows are in no server."""


def is_made(data: Path, postgres: Postgres | None) -> bool:
    """Whether there are rows to open, of an index or not."""
    return postgres is not None or (data / DATABASE).is_file()


def open_store(data: Path, postgres: Postgres | None) -> SqlStore:
    """The rows of the index: in its folder, unless they are in a PostgreSQL server.

    Raises:
        Misuse: the server cannot be used, or the rows are elsewhere.
        Unreachable: it does not answer, or lets nobody in.
    """
    if postgres is None:
        return SqlStore(data / DATABASE)
    store = SqlStore(_database(postgres))
    if (data / DATABASE).is_file() and store.revision() is None:
        _check_left(data)
    return store


def move_rows(data: Path, postgres: Postgres, tell: Callable[[str, int], None]) -> int:
    """Move the rows of the index in this folder to the server; how many were copied. Nothing may serve it.

    Raises:
        Misuse: there are none, they were moved before, or the server's database is not empty.
        Unreachable: it does not answer, or lets nobody in.
    """
    from trustpub.index.adapters.sql.moving import move

    if not (data / DATABASE).is_file():
        raise Misuse(f"There is no index in the folder {data}.")
    database = _database(postgres)
    try:
        return move(data / DATABASE, database, tell).rows
    finally:
        database.close()


def _database(postgres: Postgres) -> PostgresDatabase:
    try:
        from trustpub.index.adapters.sql.postgres import PostgresDatabase
    except ModuleNotFoundError as error:
        raise Misuse(
            "Rows in a PostgreSQL server need a package that is not installed.", hint='pip install "trustpub[postgres]"'
        ) from error
    database = PostgresDatabase(postgres)
    database.check()
    return database


def _check_left(data: Path) -> None:
    """An empty database beside an index that has its rows in a file, or had them there once, is the wrong one."""
    left = SqlStore(data / DATABASE)
    try:
        revision = left.revision()
    finally:
        left.close()
    if revision == MOVED:
        raise Misuse(
            f"The rows of the index in {data} were moved to a PostgreSQL server, and this database is empty.",
            hint="Is it the right one? Look at the section [postgres].",
        )
    raise Misuse(
        f"The rows of the index in {data} are in its folder, and the PostgreSQL database is empty.",
        hint="Move them there, while nothing serves the index: trustpub admin move-to-postgres",
    )
