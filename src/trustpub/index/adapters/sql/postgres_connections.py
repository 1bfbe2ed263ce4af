# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Connections to a PostgreSQL server, and transactions on them.

As with SQLite, BEGIN and COMMIT are sent here and nowhere else. What was lost is thrown away and made anew by whoever
needs it next, so that all goes on by itself once the server is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters.sql.database import Opened
from trustpub.index.ports import NoRoom
from trustpub.index.settings import Postgres
from trustpub.printable import printable

TURN_SECONDS = 20.0
"""How long a thread waits for one of this process's connections."""

_DEFAULTS: dict[str, Any] = {
    "application_name": "trustpub",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Of libpq, unless the URL says otherwise: a server that is gone without a word is noticed."""

_SETTINGS = (
    "SET statement_timeout = '30s'; SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '60s'; "
    "SET default_transaction_isolation = 'read committed'"
)
"""Whoever stops in the middle of a transaction does not stop everybody else for ever; and what begins without saying
how is what it is taken for, whatever the server's own settings are.
"""


class Lost(Unreachable):
    """The connection was lost, or could not be had, and nothing was committed. ``why`` is for who runs the index."""

    def __init__(self, why: str) -> None:
        super().__init__("The index's database cannot be reached.", hint="Try again in a moment.")
        self.why = why


class Unsent(Lost):
    """No connection could be had, and nothing was sent."""


class Conflict(Unreachable):
    """PostgreSQL undid a transaction that it could not put in a row with those of others. It may be begun anew."""

    def __init__(self) -> None:
        super().__init__("The index's database was changed by another program meanwhile.", hint="Try again.")


class _Words(StrDumper):
    """PostgreSQL keeps no NUL in a text. What has one is kept, and looked for, with a replacement character."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class PostgresConnections:
    """To the database of these settings; any thread may ask for one."""

    def __init__(self, settings: Postgres) -> None:
        """
        Raises:
            Misuse: its URL cannot be read.
        """
        try:
            given = conninfo.conninfo_to_dict(settings.url.reveal())
        except psycopg.ProgrammingError:
            # What libpq says of it has the URL in it, and that the password.
            given = {}
        if not given:
            raise Misuse(
                "The URL of the PostgreSQL server cannot be read.",
                hint="It looks like this: postgresql://USER:PASSWORD@HOST/DATABASE",
            )
        self._parameters = {**_DEFAULTS, **given, "client_encoding": "utf8"}
        self._engine = create_engine("postgresql+psycopg://", creator=self._connect, poolclass=NullPool)
        event.listen(self._engine, "handle_error", _translate)
        self._idle: deque[Opened] = deque()
        self._room = threading.BoundedSemaphore(max(1, settings.pool))
        self._size = max(1, settings.pool)
        self._held = threading.local()

    @contextmanager
    def begun(self, begin: str, *, alone: bool = True) -> Iterator[tuple[Opened, str]]:
        """A connection on which these statements began a transaction, and the last thing that they told.

        It is rolled back unless the block ended it. Where beginning fails as an idle connection was lost meanwhile,
        a new one is made.

        Raises:
            Lost: no connection could be had, or it was lost.
            Unreachable, NoRoom, Misuse: as :func:`told` says.
        """
        with self._turn():
            opened, said = self._begin(begin)
            try:
                yield (opened if alone else replace(opened, alone=False)), said
            except psycopg.Error as error:
                raise told(error) or error from error
            finally:
                self._give_back(opened)

    def once(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that this statement told, in a transaction that began and was committed with it: one trip.

        Raises:
            Unsent: no connection could be had.
            Lost: it was lost, and whether the statement was, will be or will never be carried out is not known.
            Conflict, Unreachable, NoRoom, Misuse: as :func:`told` says; nothing of it was done.
        """
        with self._turn():
            try:
                opened = self._idle.pop()
            except IndexError:
                opened = self._open_to_send()
            try:
                told_rows: list[tuple[Any, ...]] = opened.driver.execute(statement, values).fetchall()
            except psycopg.Error as error:
                meant = told(error)
                if isinstance(meant, Lost):
                    self.drop(opened)
                raise meant or error from error
            finally:
                self._give_back(opened)
            return told_rows

    def drop(self, opened: Opened) -> None:
        """Throw it away, and all that are idle: they were lost as well."""
        _close(opened)
        self.close()

    def close(self) -> None:
        """Close those that are not in use. More can be asked for afterwards."""
        with suppress(IndexError):
            while True:
                _close(self._idle.pop())

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Bounded, but for threads that hold a connection already: they would wait for themselves."""
        depth = getattr(self._held, "depth", 0)
        if depth == 0 and not self._room.acquire(timeout=TURN_SECONDS):
            raise Unreachable(
                f"All {self._size} connections to the index's database are in use.", hint="Try again in a moment."
            )
        self._held.depth = depth + 1
        try:
            yield
        finally:
            self._held.depth = depth
            if depth == 0:
                self._room.release()

    def _begin(self, begin: str) -> tuple[Opened, str]:
        try:
            opened = self._idle.pop()
        except IndexError:
            return self._begin_new(begin)
        try:
            return opened, _say(opened, begin)
        except psycopg.Error as error:
            meant = told(error)
            self.drop(opened)
            if not isinstance(meant, Lost):
                raise meant or error from error
        return self._begin_new(begin)

    def _begin_new(self, begin: str) -> tuple[Opened, str]:
        opened = self._open()
        try:
            return opened, _say(opened, begin)
        except psycopg.Error as error:
            _close(opened)
            raise told(error) or error from error

    def _open(self) -> Opened:
        core = self._engine.connect()
        core.begin()
        return Opened(core, core.connection.driver_connection)

    def _open_to_send(self) -> Opened:
        try:
            return self._open()
        except Lost as error:
            raise Unsent(error.why) from error

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            connection: psycopg.Connection[Any] = psycopg.connect(**self._parameters, autocommit=True)
            connection.adapters.register_dumper(str, _Words)
            connection.execute(_SETTINGS)
        except psycopg.Error as error:
            meant = told(error)
            if isinstance(meant, Lost):
                _log_lost(meant.why)
            raise meant or error from error
        return connection

    def _give_back(self, opened: Opened) -> None:
        if opened.driver.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            with suppress(psycopg.Error):
                opened.driver.execute("ROLLBACK")
        whole = opened.driver.info.transaction_status == TransactionStatus.IDLE and not opened.core.invalidated
        if whole and len(self._idle) < self._size:
            self._idle.append(opened)
        else:
            _close(opened)


def told(error: BaseException) -> Exception | None:
    """What a person can do something about becomes an error with a sentence; all else stays a bug."""
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate or ""
    if state in ("40001", "40P01"):
        return Conflict()
    if state == "53100":
        return NoRoom("The disk that holds the index's database is full.")
    if state in ("55P03", "57014"):
        return Unreachable("The index's database was busy with something else for too long.")
    if state == "58030":
        return Unreachable("The disk that holds the index's database reports an error.")
    if state == "25006":
        return Unreachable("The index's database takes no changes now.")
    if state == "42501":
        return Misuse("The index may not do this in its database.", hint="Its user must own the tables.")
    # Class 08: the connection; 28 and 3D: who, and which database; 53: no room for one more; 57: the server ends.
    if state[:2] in ("08", "28", "3D", "53", "57") or state == "25P03":
        return Lost(_first_line(error))
    if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Lost(_first_line(error))
    return None


def is_violation(error: BaseException) -> bool:
    """Whether a row was refused as it would break what holds for all rows of a table."""
    return isinstance(getattr(error, "orig", error), psycopg.IntegrityError)


def _first_line(error: psycopg.Error) -> str:
    said = str(error).strip().partition("\n")[0]
    return printable(said, 300).rstrip(".") or type(error).__name__


def _say(opened: Opened, statements: str) -> str:
    """Run them in one trip; what the last one told, where it told something."""
    cursor = opened.driver.execute(statements)
    while cursor.nextset():
        pass
    return str(cursor.fetchone()[0]) if cursor.description is not None else ""


def _close(opened: Opened) -> None:
    with suppress(Exception):
        if opened.driver.info.transaction_status != TransactionStatus.IDLE:
            opened.core.invalidate()
        opened.core.close()
    with suppress(psycopg.Error):
        opened.driver.close()


def _translate(context: Any) -> None:
    meant = told(context.original_exception)
    if meant is not None:
        raise meant from context.original_exception


_LOG_SECONDS = 10.0
_log_lock = threading.Lock()
_logged_at = -60.0


def _log_lost(why: str) -> None:
    """Once in a while: a server that is down is asked for by every request."""
    global _logged_at  # noqa: PLW0603 - one for the process
    with _log_lock:
        now = time.monotonic()
        if now - _logged_at < _LOG_SECONDS:
            return
        _logged_at = now
    logging.getLogger("trustpub.index").warning("the PostgreSQL server cannot be reached: %s", why)
