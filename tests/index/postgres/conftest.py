# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server, a fresh database, and an index's store in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.index.storage.conftest import PUBLIC, a_store_of, trustpub  # noqa: F401 - a fixture
from tests.postgres import Database, Server, database, postgres, server  # noqa: F401 - fixtures
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Issuer
from trustpub.index.settings import Postgres
from trustpub.secret import Secret


def at(database: Database | str, pool: int = 8) -> Postgres:  # noqa: F811
    """Its address, as a setting."""
    return Postgres(url=Secret(database if isinstance(database, str) else database.url), pool=pool)


def store_at(database: Database | str, pool: int = 8) -> SqlStore:  # noqa: F811
    """A store in it, as a process has one."""
    return SqlStore(PostgresDatabase(at(database, pool)))


@pytest.fixture
def store(postgres: Server) -> Iterator[SqlStore]:  # noqa: F811
    """With the newest schema, and an issuer."""
    store, drop = a_store_of(postgres)
    with store.write() as writing:
        writing.put_issuer(Issuer(url=PUBLIC, kind="github"))
    yield store
    store.close()
    drop()
