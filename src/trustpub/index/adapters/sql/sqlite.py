# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""SQLite: one file, one writer at a time, readers beside it.

Every transaction is opened by hand. Python's sqlite3 would begin one only before the first change, and as a deferred
one: two that read first and write later would then fail on each other instead of waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from trustpub.index.adapters.sql.connections import Connections, told
from trustpub.index.adapters.sql.database import Opened
from trustpub.index.adapters.sql.watch import Watch
from trustpub.index.ports import Exchange


class SqliteDatabase:
    """:class:`trustpub.index.adapters.sql.database.Database` in the file at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connections = Connections(path)
        self._watch = Watch(path)

    def reading(self) -> AbstractContextManager[Opened]:
        return self._connections.transaction("BEGIN")

    def writing(self) -> AbstractContextManager[Opened]:
        return self._connections.transaction("BEGIN IMMEDIATE")

    upgrading = writing

    def together(self, run: Callable[[Opened], None]) -> None:
        with self.writing() as opened:
            run(opened)

    def apart(self, opened: Opened, work: Callable[[], Any], *, single: bool) -> tuple[Any, BaseException | None]:
        del single
        opened.driver.execute("SAVEPOINT job")
        answer, failed = None, None
        try:
            answer = work()
        except BaseException as error:
            if not opened.driver.in_transaction:
                raise  # SQLite gave all of it up, as it does when the disk is full
            opened.driver.execute("ROLLBACK TO job")
            failed = told(error) or error
        opened.driver.execute("RELEASE job")
        return answer, failed

    foresees = False

    def exchange(self, exchanges: Sequence[Exchange]) -> Collection[str]:
        # A statement is no trip here, and there is one writer at a time: what reads first sees all there is.
        del exchanges
        return ()

    def state(self) -> Hashable:
        return self._watch.state()

    def copy_to(self, path: Path) -> None:
        try:
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(path)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise told(error) or error from error

    def fault(self) -> str | None:
        with self.reading() as opened:
            (found,) = opened.driver.execute("PRAGMA integrity_check(1)").fetchone()
        return None if found == "ok" else str(found)

    def close(self) -> None:
        self._watch.close()
        self._connections.close()
