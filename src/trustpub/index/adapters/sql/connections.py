# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Connections to a SQLite file, and transactions on them.

BEGIN and COMMIT are sent here and nowhere else: SQLAlchemy, which takes each connection to be in a transaction from
the start, never ends one. A read costs 60 µs less so.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL

from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters.sql.database import Opened
from trustpub.index.ports import NoRoom

BUSY_SECONDS = 30
"""How long a transaction waits for another process's before it gives up."""

IDLE = 16
"""Connections that are kept for the next who asks."""


class Connections:
    """To the file at ``path``; any thread may ask for one."""

    def __init__(self, path: Path) -> None:
        url = URL.create("sqlite+pysqlite", database=str(path))
        connect: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        self._engine = create_engine(url, pool_size=IDLE, max_overflow=-1, connect_args=connect)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "handle_error", _translate)
        self._idle: deque[Opened] = deque()

    @contextmanager
    def transaction(self, begin: str) -> Iterator[Opened]:
        """Begun by this statement; committed when the block ends, rolled back when it raises.

        Raises:
            NoRoom: its disk is full.
            Unreachable: the database is locked by another program, or its disk fails.
            Misuse: the file is none, or not ours to write.
        """
        opened = self._take()
        try:
            opened.driver.execute(begin)
            yield opened
            opened.driver.execute("COMMIT")
        except sqlite3.Error as error:
            raise told(error) or error from error
        finally:
            self._give_back(opened)

    def close(self) -> None:
        """Close those that are not in use. More can be asked for afterwards."""
        while self._idle:
            self._idle.pop().core.close()
        self._engine.dispose()

    def _take(self) -> Opened:
        try:
            return self._idle.pop()
        except IndexError:
            core = self._engine.connect()
            core.begin()
            driver = core.connection.driver_connection
            if not isinstance(driver, sqlite3.Connection):
                raise TypeError("not a connection of sqlite3") from None
            return Opened(core, driver)

    def _give_back(self, opened: Opened) -> None:
        if opened.driver.in_transaction:
            with suppress(sqlite3.Error):
                opened.driver.execute("ROLLBACK")
        if opened.driver.in_transaction or opened.core.invalidated or len(self._idle) >= IDLE:
            opened.core.close()
        else:
            self._idle.append(opened)


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


def _translate(context: Any) -> None:
    meant = told(context.original_exception)
    if meant is not None:
        raise meant from context.original_exception


def told(error: BaseException) -> Exception | None:
    """What a person can do something about becomes an error with a sentence; all else stays a bug."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unreachable(f"The index's database was locked by another program for {BUSY_SECONDS} seconds.")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return Misuse("The index's database cannot be opened for writing.")
    if primary == sqlite3.SQLITE_FULL:
        return NoRoom("The disk that holds the index's database is full.")
    if primary == sqlite3.SQLITE_IOERR:
        # Also where there is no room for the index of the log, and then the log may hold the transaction all the same.
        return Unreachable("The disk that holds the index's database reports an error.")
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Misuse("The index's database is damaged, or is no database.")
    return None
