# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The store on SQLite: one file, one writer at a time, readers beside it.

Every transaction is opened by hand. Python's sqlite3 would begin one only before the first change, and as a deferred
one: two that read first and write later would then fail on each other instead of waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy import inspect

from trustpub.index.adapters.sql.connections import Connections, Opened, told
from trustpub.index.adapters.sql.line import Job, Line
from trustpub.index.adapters.sql.reading import SqlReading
from trustpub.index.adapters.sql.watch import Watch
from trustpub.index.adapters.sql.writing import SqlWriting
from trustpub.index.ports import Reading, Writing

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "alembic_version"


class SqlStore:
    """:class:`trustpub.index.ports.Store` in the SQLite file at ``path``; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connections = Connections(path)
        # SQLite lets one write at a time anyway; waiting here is fair and costs nothing, waiting there polls.
        self._line = Line(self._commit)
        self._watch = Watch(path)

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """A consistent view: what others commit meanwhile is not seen."""
        with self._connections.transaction("BEGIN") as opened:
            yield SqlReading(opened)

    def state(self) -> Hashable:
        """Something new whenever anything was committed; some microseconds."""
        return self._watch.state()

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """Committed durably when the block ends, rolled back when it raises. Not to be nested."""
        with self._line.alone(), self._connections.transaction("BEGIN IMMEDIATE") as opened:
            yield SqlWriting(opened)

    def transact(self, work: Callable[[Writing], T]) -> T:
        """Run ``work`` in a transaction that it may share with others, each undone alone; durable on return."""
        job = Job(work)
        self._line.together((job,))
        if job.error is not None:
            raise job.error
        return cast(T, job.answer)

    def transact_all(self, works: Sequence[Callable[[Writing], T]]) -> Sequence[T | Exception]:
        """Like :meth:`transact` for each, in one transaction."""
        if not works:
            return []
        jobs = [Job(work) for work in works]
        self._line.together(jobs)
        told: list[T | Exception] = []
        for job in jobs:
            if job.error is not None and not isinstance(job.error, Exception):
                raise job.error
            told.append(job.answer if job.error is None else job.error)
        return told

    def _commit(self, jobs: Sequence[Job]) -> None:
        """Do all of them in one transaction. If it cannot be committed none was done, and each is told so:
        even a refusal may have been because of another's work that is now undone.
        """
        interrupted: BaseException | None = None
        try:
            with self._connections.transaction("BEGIN IMMEDIATE") as opened:
                writing = SqlWriting(opened)
                for job in jobs:
                    _do(job, writing, opened)
                    if job.error is not None and not isinstance(job.error, Exception):
                        interrupted = job.error
        except BaseException as error:
            for job in jobs:
                job.error = error
            if not isinstance(error, Exception):
                raise
        if interrupted is not None:
            raise interrupted

    def revision(self) -> str | None:
        """The schema's revision in the file; None while it is empty."""
        with self._connections.transaction("BEGIN") as opened:
            if not inspect(opened.core).has_table(_VERSION_TABLE):
                return None
            found: str | None = opened.core.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").scalar()  # noqa: S608
            return found

    def is_empty(self) -> bool:
        """Whether the file has no table at all."""
        with self._connections.transaction("BEGIN") as opened:
            return not inspect(opened.core).get_table_names()

    def upgrade(self) -> None:
        """Bring the schema to :func:`head`, all of it or nothing."""
        from alembic import command

        with self._line.alone(), self._connections.transaction("BEGIN IMMEDIATE") as opened:
            config = _alembic()
            config.attributes["connection"] = opened.core
            command.upgrade(config, "head")

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole database in a new file, also while others write.

        Raises:
            NoRoom: for it.
            Unreachable, Misuse: as :meth:`read`.
        """
        try:
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(path)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise told(error) or error from error

    def fault(self) -> str | None:
        """What SQLite finds damaged in the whole file; None if it is sound."""
        with self._connections.transaction("BEGIN") as opened:
            (found,) = opened.driver.execute("PRAGMA integrity_check(1)").fetchone()
        return None if found == "ok" else str(found)

    def close(self) -> None:
        """Close every connection that is not in use; the store can be used again."""
        self._watch.close()
        self._connections.close()


def _do(job: Job, writing: SqlWriting, opened: Opened) -> None:
    opened.driver.execute("SAVEPOINT job")
    try:
        job.answer = job.work(writing)
    except BaseException as error:
        if not opened.driver.in_transaction:
            raise  # SQLite gave all of it up, as it does when the disk is full
        opened.driver.execute("ROLLBACK TO job")
        job.error = told(error) or error
    opened.driver.execute("RELEASE job")


def head() -> str:
    """The newest schema revision this version knows."""
    return max(_revisions())


def knows(revision: str) -> bool:
    """Whether this version can upgrade from ``revision``."""
    return revision in _revisions()


def _revisions() -> set[str]:
    """All of them, by the names of their files, which a test compares with what stands in them.

    Alembic takes longer to load than all the rest of a start, and most starts have nothing to upgrade.
    """
    return {file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
