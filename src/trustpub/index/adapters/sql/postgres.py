# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: many processes, on many machines, at one database.

Whatever is changed must come out as if one writer came after the other, for that is what the use cases are written
for: they read, decide and write. Two ways lead there.

* What may be called again (:meth:`PostgresDatabase.together`: mints, uploads) runs SERIALIZABLE beside others; if
  PostgreSQL finds that it cannot be put in a row with them, it is undone and done again, and the third time alone.
* What cannot (:meth:`PostgresDatabase.writing`: what people do with forms and commands) runs alone among all who
  write, by a lock that those above share, and needs no more than READ COMMITTED.

A mint in which nothing is out of the ordinary goes a third way, :meth:`PostgresDatabase.exchange`: one statement that
shares that lock, and looks again at what was decided on (:mod:`trustpub.index.adapters.sql.exchanging`).

The lock is one on a table that nobody reads or writes but migrations. It is taken before the transaction's snapshot,
which a lock that is taken by a SELECT would not be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import inspect

from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters.sql import exchanging
from trustpub.index.adapters.sql.copying import copy_rows
from trustpub.index.adapters.sql.database import Opened
from trustpub.index.adapters.sql.postgres_connections import (
    Conflict,
    Lost,
    PostgresConnections,
    Unsent,
    is_violation,
    told,
)
from trustpub.index.ports import Exchange
from trustpub.index.settings import Postgres

TOGETHER = 2
"""How often something is tried beside others before it is done alone."""

LOST = 1
"""How often something is begun anew because its connection was lost."""

OUTCOME_SECONDS = 5.0
"""How long is waited for a server that was lost in the middle of a commit, to ask it what became of that."""

_SHARED = (
    "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE alembic_version IN ROW SHARE MODE; SELECT pg_current_xact_id()"
)
_ALONE = "BEGIN; LOCK TABLE alembic_version IN EXCLUSIVE MODE; SELECT pg_current_xact_id()"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# One number for the whole of trustpub; such locks are of one database.
_UPGRADE = (
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
    "SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock(7417); "
    "SELECT pg_current_xact_id()"
)
_OLDEST = 130000
"""The oldest server that has all that is asked of it."""


class PostgresDatabase:
    """:class:`trustpub.index.adapters.sql.database.Database` on a PostgreSQL server."""

    foresees = True

    def __init__(self, settings: Postgres) -> None:
        self.settings = settings
        self._connections = PostgresConnections(settings)

    def check(self) -> None:
        """Whether it can be used, with what is wrong in words for who runs it.

        Raises:
            Misuse: the server is too old, or the database cannot hold every text.
            Unreachable: it cannot be reached, or lets nobody in with this URL.
        """
        try:
            with self.reading() as opened:
                (encoding,) = opened.driver.execute("SHOW server_encoding").fetchone()
                version = opened.driver.info.server_version
        except Lost as error:
            raise Unreachable(
                f"The PostgreSQL server cannot be used: {error.why}.", hint="Look at the section [postgres]."
            ) from error
        if version < _OLDEST:
            raise Misuse(f"The PostgreSQL server is of version {version // 10000}; 13 or newer is needed.")
        if encoding != "UTF8":
            raise Misuse(
                f"The PostgreSQL database has the encoding {encoding}, which does not hold every text.",
                hint="Make it anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            )

    def reading(self) -> AbstractContextManager[Opened]:
        return self._transaction(_READ, writes=False)

    def writing(self) -> AbstractContextManager[Opened]:
        return self._transaction(_ALONE)

    def upgrading(self) -> AbstractContextManager[Opened]:
        return self._transaction(_UPGRADE)

    def together(self, run: Callable[[Opened], None]) -> None:
        conflicts = lost = 0
        while True:
            try:
                alone = conflicts == TOGETHER
                with self._transaction(_ALONE if alone else _SHARED, alone=alone) as opened:
                    run(opened)
            except Conflict as error:
                conflicts += 1
                if conflicts > TOGETHER:
                    raise Unreachable("The index's database was changed by another program all the time.") from error
            except Lost:
                # Nothing was committed: a commit whose end is not known raises something else.
                lost += 1
                if lost > LOST:
                    raise
            else:
                return

    def exchange(self, exchanges: Sequence[Exchange]) -> Collection[str]:
        """Write them in one statement, without a transaction around it.

        Where the connection is lost nobody knows what became of it, and its transaction cannot be asked for by a
        number that the client never had. But it can be sent again: a claim is taken once, the second statement waits
        for the first if that is still under way, and the claim's row names the token it was taken for, so that what
        the first one wrote is known from what others did.
        """
        values = exchanging.values(exchanges)
        conflicts = lost = 0
        doubted: float | None = None
        while True:
            try:
                written = self._connections.once(exchanging.statement(), values)
                if doubted is not None:
                    written += self._connections.once(exchanging.written(), values)
            except (Conflict, psycopg.DataError, psycopg.IntegrityError) as error:
                # Two met in the middle, or one has a value that cannot be sent so: each is decided by itself.
                conflicts += 1
                if conflicts < TOGETHER and isinstance(error, Conflict):
                    continue
                return ()
            except Lost as error:
                lost += 1
                if doubted is None and isinstance(error, Unsent):
                    if lost > LOST:
                        raise
                    continue
                doubted = doubted or time.monotonic()
                if time.monotonic() > doubted + OUTCOME_SECONDS:
                    raise _unknown() from error
                time.sleep(0.05 if lost > 1 else 0)
            else:
                return {token_id for (token_id,) in written}

    def apart(self, opened: Opened, work: Callable[[], Any], *, single: bool) -> tuple[Any, BaseException | None]:
        if not single:
            opened.driver.execute("SAVEPOINT job")
        answer, failed = None, None
        try:
            answer = work()
        except BaseException as error:
            failed = told(error) or error
            if isinstance(failed, Conflict | Lost):
                raise failed from error
            if is_violation(error) and not opened.alone:
                # Beside others, a row that is in the way may be one that was not there when the work looked.
                raise Conflict from error
            if opened.driver.info.transaction_status == TransactionStatus.IDLE:
                raise  # the work ended the transaction, and that of all others with it
            opened.driver.execute("ROLLBACK" if single else "ROLLBACK TO SAVEPOINT job")
        if not single:
            opened.driver.execute("RELEASE SAVEPOINT job")
        return answer, failed

    def state(self) -> Hashable:
        # To ask the server takes a round trip, for which an event loop cannot wait. Those who ask look themselves.
        return object()

    def copy_to(self, path: Path) -> None:
        from trustpub.index.adapters.sql.sqlite import SqliteDatabase
        from trustpub.index.adapters.sql.store import SqlStore

        with self.reading() as source:
            store = SqlStore(path)
            try:
                store.upgrade()
                with SqliteDatabase(path).writing() as target:
                    copy_rows(source, target)
            finally:
                store.close()

    def fault(self) -> str | None:
        with self.reading() as opened:
            return None if inspect(opened.core).get_table_names() else "there is no table in it"

    def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _transaction(self, begin: str, *, writes: bool = True, alone: bool = True) -> Iterator[Opened]:
        with self._connections.begun(begin, alone=alone) as (opened, transaction):
            yield opened
            try:
                opened.driver.execute("COMMIT")
            except BaseException as error:
                meant = told(error) or error
                if not writes or not isinstance(meant, Lost):
                    raise meant from error
                self._settle(opened, transaction, meant)

    def _settle(self, opened: Opened, transaction: str, lost: Lost) -> None:
        """The connection was lost while the server committed: what became of that, another connection can tell.

        Raises:
            Lost: it was not committed, and never will be.
            Unreachable: nobody can tell now.
        """
        self._connections.drop(opened)
        until = time.monotonic() + OUTCOME_SECONDS
        while time.monotonic() < until:
            try:
                with self._connections.begun(_READ) as (another, _):
                    (outcome,) = another.driver.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone()
            except Lost:
                outcome = None
            if outcome == "committed":
                return
            if outcome == "aborted":
                raise lost
            time.sleep(0.05)
        raise _unknown() from lost


def _unknown() -> Unreachable:
    return Unreachable(
        "The index's database was lost while it noted this, and whether it did is not known.",
        hint="Try again: what was done already is not done twice.",
    )
