# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where the rows of an index are kept."""

from __future__ import annotations

from pathlib import Path

from trustpub.errors import Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.settings import Postgres

DATABASE = "index.db"
"""The file in the folder, where the rows are in no server."""


def is_made(data: Path, postgres: Postgres | None) -> bool:
    """Whether there are rows to open, of an index or not."""
    return postgres is not None or (data / DATABASE).is_file()


def open_store(data: Path, postgres: Postgres | None) -> SqlStore:
    """The rows of the index: in its folder, unless they are in a PostgreSQL server.

    Raises:
        Misuse: the server cannot be used.
        Unreachable: it does not answer, or lets nobody in.
    """
    if postgres is None:
        return SqlStore(data / DATABASE)
    try:
        from trustpub.index.adapters.sql.postgres import PostgresDatabase
    except ModuleNotFoundError as error:
        raise Misuse(
            "Rows in a PostgreSQL server need a package that is not installed.", hint='pip install "trustpub[postgres]"'
        ) from error
    database = PostgresDatabase(postgres)
    database.check()
    return SqlStore(database)
