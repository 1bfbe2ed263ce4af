# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The store on SQLite: one file, one writer at a time, readers beside it.

Every transaction is opened by hand. Python's sqlite3 would begin one only before the first change, and as a deferred
one: two that read first and write later would then fail on each other instead of waiting.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect
from sqlalchemy.engine import URL

from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters.sql.reading import SqlReading
from trustpub.index.adapters.sql.writing import SqlWriting
from trustpub.index.ports import Reading, Writing

T = TypeVar("T")

BUSY_SECONDS = 30
"""How long a transaction waits for another process's before it gives up."""

_BEGIN = "trustpub_begin"
_MIGRATIONS = Path(__file__).parent / "migrations"


class SqlStore:
    """:class:`trustpub.index.ports.Store` in the SQLite file at ``path``; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        # SQLite lets one write at a time anyway; waiting here is fair and costs nothing, waiting there polls.
        self._writing = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """A consistent view: what others commit meanwhile is not seen."""
        with self._transaction("BEGIN") as connection:
            yield SqlReading(connection)

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """Committed durably when the block ends, rolled back when it raises. Not to be nested."""
        with self._writing, self._transaction("BEGIN IMMEDIATE") as connection:
            yield SqlWriting(connection)

    def transact(self, work: Callable[[Writing], T]) -> T:
        """Run ``work`` in a transaction of its own, and return its answer."""
        with self.write() as writing:
            return work(writing)

    def revision(self) -> str | None:
        """The schema's revision in the file; None while it is empty."""
        with self._transaction("BEGIN") as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def is_empty(self) -> bool:
        """Whether the file has no table at all."""
        with self._transaction("BEGIN") as connection:
            return not inspect(connection).get_table_names()

    def upgrade(self) -> None:
        """Bring the schema to :func:`head`, all of it or nothing."""
        with self._writing, self._transaction("BEGIN IMMEDIATE") as connection:
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole database in a new file."""
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)

    def close(self) -> None:
        """Close every connection that is not in use; the store can be used again."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            connection = connection.execution_options(**{_BEGIN: begin})
            with connection.begin():
                yield connection


def head() -> str:
    """The newest schema revision this version knows."""
    revision = ScriptDirectory.from_config(_alembic()).get_current_head()
    if revision is None:
        raise RuntimeError("no migration is installed")
    return revision


def knows(revision: str) -> bool:
    """Whether this version can upgrade from ``revision``."""
    script = ScriptDirectory.from_config(_alembic())
    return any(one.revision == revision for one in script.walk_revisions())


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _engine(path: Path) -> Engine:
    url = URL.create("sqlite+pysqlite", database=str(path))
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=16, max_overflow=64, connect_args={"timeout": BUSY_SECONDS}
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _translate)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        connection.close()  # the pool has not taken it yet, and never will
        raise


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _translate(context: Any) -> None:
    """What a person can do something about becomes an error with a sentence; all else stays a bug."""
    error = context.original_exception
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise Unreachable(f"The index's database was locked by another program for {BUSY_SECONDS} seconds.") from error
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        raise Misuse("The index's database cannot be opened for writing.") from error
    if primary == sqlite3.SQLITE_FULL:
        raise Unreachable("The disk that holds the index's database is full.") from error
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        raise Misuse("The index's database is damaged, or is no database.") from error
