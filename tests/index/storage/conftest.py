# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index folder, and programs that run the real command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import Database, Server, postgres  # noqa: F401 - a fixture
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Issuer, Project
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.names import Names
from trustpub.index.manage.people import People
from trustpub.index.manage.publishers import Publishers
from trustpub.index.settings import Postgres
from trustpub.secret import Secret
from trustpub.trust.publishers import Link, Publisher

from ...objects import object_server, objects, way  # noqa: F401, TID252 - fixtures
from ...typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

NOW = 1_790_000_000.0
PUBLIC = "https://token.actions.githubusercontent.com"


@dataclass
class SetClock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


SQLITE, POSTGRESQL = "sqlite", "postgresql"


@pytest.fixture
def rows() -> str:
    """Where :func:`store` keeps them. A suite of a port overrides it with that of both.py."""
    return SQLITE


@pytest.fixture
def store(rows: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    if rows == POSTGRESQL:
        store, drop = a_store_of(request.getfixturevalue("postgres"))
    else:
        store, drop = SqlStore(tmp_path / "index.db"), lambda: None
        store.upgrade()
    with store.write() as writing:
        writing.put_issuer(Issuer(url=PUBLIC, kind="github"))
    yield store
    store.close()
    drop()


def a_store_of(server: Server) -> tuple[SqlStore, Callable[[], None]]:
    """A new database with the newest schema, and how to drop it."""
    database = server.create(server.template("index", _make))
    return SqlStore(PostgresDatabase(Postgres(url=Secret(database.url)))), lambda: server.drop(database)


def a_twin(store: SqlStore) -> SqlStore:
    """Another store of the same rows, as one in another process is."""
    kept = store.database
    return SqlStore(PostgresDatabase(kept.settings) if isinstance(kept, PostgresDatabase) else store.path)


def _make(database: Database) -> None:
    store = SqlStore(PostgresDatabase(Postgres(url=Secret(database.url))))
    store.upgrade()
    store.close()


@pytest.fixture
def people(store: SqlStore, clock: SetClock) -> People:
    return People(store, clock)


@pytest.fixture
def issuers(store: SqlStore, clock: SetClock) -> Issuers:
    return Issuers(store, clock, rehearsal=False)


@pytest.fixture
def publishers(store: SqlStore, clock: SetClock) -> Publishers:
    return Publishers(store, clock)


@pytest.fixture
def names(store: SqlStore, clock: SetClock) -> Names:
    return Names(store, clock)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with open_folder(tmp_path / "index", create=True, public_url="https://index.example") as opened:
        yield opened


def event_kinds(store: SqlStore) -> list[str]:
    """What happened, the oldest first."""
    with store.read() as reading:
        return [event.kind for event in reversed(reading.events(limit=1000))]


def a_project(name: str = "Hello", project_id: str = "project-1", pending_until: int | None = None) -> Project:
    normalized = name.lower().replace("_", "-").replace(".", "-")
    return Project(id=project_id, name=name, normalized=normalized, created=1, pending_until=pending_until, serial=0)


def a_publisher(publisher_id: str = "publisher-1", *project_ids: str, **fields: str) -> Publisher:
    wanted = {"repository": "Octo-Org/hello", "workflow": "release.yml", **fields}
    links = tuple(Link(project_id=one, project=one) for one in project_ids)
    return Publisher(id=publisher_id, issuer=PUBLIC, kind="github", fields=wanted, links=links)


@dataclass
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Served:
    """A running ``trustpub serve``."""

    process: subprocess.Popen[str]
    data: Path
    lines: list[str] = field(default_factory=list)

    @property
    def told(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = json.loads(self.lines[-1])
        return told

    @property
    def url(self) -> str:
        return str(self.told["url"])

    def stop(self, number: int = signal.SIGTERM) -> Ran:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return Ran(self.process.returncode, out, err)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "trustpub", *map(str, arguments)]


@pytest.fixture
def trustpub() -> Callable[..., Ran]:
    """Run a command to its end."""

    def run(*arguments: object, env: Mapping[str, str] | None = None) -> Ran:
        done = typed(*arguments, env=env)
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start an index, and wait until it says in one JSON line where it is. It is stopped at the end."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object, data: Path | None = None, env: Mapping[str, str] | None = None) -> Served:
        folder = data or tmp_path / "index"
        where = () if "--ephemeral" in arguments else ("--data", folder, "--port", 0)
        process = subprocess.Popen(
            command("serve", *where, "--json", *arguments),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})},
        )  # fmt: skip
        running.append(process)
        served = Served(process=process, data=folder)
        # A hang shows as an end of the output, and not as a test that never ends.
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        assert process.stdout is not None
        for line in process.stdout:
            served.lines.append(line)
            if line.startswith("{"):
                break
        watchdog.cancel()
        assert served.lines, process.communicate()
        assert served.lines[-1].startswith("{"), (served.lines, process.communicate())
        return served

    yield start
    for process in running:
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(ValueError):
            process.communicate(timeout=30)


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
