# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The store, on any database that SQL is spoken to: transactions, who shares them, and the schema's version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy import inspect

from trustpub.errors import Misuse
from trustpub.index.adapters.sql.database import Database, Opened
from trustpub.index.adapters.sql.line import Job, Line
from trustpub.index.adapters.sql.reading import SqlReading
from trustpub.index.adapters.sql.sqlite import SqliteDatabase
from trustpub.index.adapters.sql.writing import SqlWriting
from trustpub.index.ports import Exchange, Reading, Writing

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

MOVED = "moved-to-postgresql"
"""In the place of the schema's revision, in a file whose rows are elsewhere now: no version of this program, older ones
neither, opens that."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "alembic_version"


class SqlStore:
    """:class:`trustpub.index.ports.Store` in a SQLite file, or another database; safe to use from any thread."""

    def __init__(self, where: Path | Database) -> None:
        self.database: Database = SqliteDatabase(where) if isinstance(where, Path) else where
        # Within one process, those who wait share one transaction: it is fair, and saves trips to the disk.
        self._line = Line(self._commit)
        self.foresees = self.database.foresees

    @property
    def in_file(self) -> bool:
        """Whether the rows are in a file, at :attr:`path`."""
        return isinstance(self.database, SqliteDatabase)

    @property
    def path(self) -> Path:
        """Of the file.

        Raises:
            Misuse: it is in none.
        """
        if not isinstance(self.database, SqliteDatabase):
            raise Misuse("The index's rows are in a database server, and in no file.")
        return self.database.path

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """A consistent view: what others commit meanwhile is not seen."""
        with self.database.reading() as opened:
            yield SqlReading(opened)

    def state(self) -> Hashable:
        """Something new whenever anything was committed; some microseconds."""
        return self.database.state()

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """Committed durably when the block ends, rolled back when it raises. Not to be nested."""
        with self._line.alone(), self.database.writing() as opened:
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

    def exchange(self, exchanges: Sequence[Exchange]) -> Collection[str]:
        """Write at once what can be; ids of the tokens whose exchange was."""
        return self.database.exchange(exchanges) if exchanges else ()

    def _commit(self, jobs: Sequence[Job]) -> None:
        """Do all of them in one transaction. If it cannot be committed none was done, and each is told so:
        even a refusal may have been because of another's work that is now undone.
        """
        try:
            self.database.together(lambda opened: self._do(jobs, opened))
        except BaseException as error:
            for job in jobs:
                job.error = error
            if not isinstance(error, Exception):
                raise
        for job in jobs:
            if job.error is not None and not isinstance(job.error, Exception):
                raise job.error

    def _do(self, jobs: Sequence[Job], opened: Opened) -> None:
        writing = SqlWriting(opened)
        for job in jobs:
            work = partial(job.work, writing)
            job.answer, job.error = self.database.apart(opened, work, single=len(jobs) == 1)

    def revision(self) -> str | None:
        """The schema's revision in the database; None while it is empty."""
        with self.database.reading() as opened:
            if not inspect(opened.core).has_table(_VERSION_TABLE):
                return None
            found: str | None = opened.core.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").scalar()  # noqa: S608
            return found

    def is_empty(self) -> bool:
        """Whether the database has no table at all."""
        with self.database.reading() as opened:
            return not inspect(opened.core).get_table_names()

    def upgrade(self) -> None:
        """Bring the schema to :func:`head`, all of it or nothing."""
        with self._line.alone(), self.database.upgrading() as opened:
            make_newest(opened)

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole database in a new SQLite file, also while others write.

        Raises:
            NoRoom: for it.
            Unreachable, Misuse: as :meth:`read`.
        """
        self.database.copy_to(path)

    def fault(self) -> str | None:
        """What the database finds damaged in itself; None if it is sound."""
        return self.database.fault()

    def close(self) -> None:
        """Close every connection that is not in use; the store can be used again."""
        self.database.close()


def make_newest(opened: Opened) -> None:
    """Bring the schema to :func:`head`, in this transaction."""
    from alembic import command

    config = _alembic()
    config.attributes["connection"] = opened.core
    command.upgrade(config, "head")


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
