# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The server is lost, at every moment there is: what was not committed is done again where it can be, everything else
is told in words, and all goes on by itself once the server is back.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.postgres import PASSWORD, Database, Server
from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters.sql import postgres as adapter
from trustpub.index.adapters.sql import postgres_connections
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.bootstrap.stores import open_store
from trustpub.index.ports import Writing
from trustpub.index.settings import Postgres
from trustpub.secret import Secret

from .conftest import at, store_at


def set_fact(name: str) -> Callable[[Writing], str]:
    def work(writing: Writing) -> str:
        writing.set_fact(name, "set")
        return name

    return work


def fact(store: SqlStore, name: str) -> str | None:
    with store.read() as reading:
        return reading.fact(name)


def cut(store: SqlStore) -> int:
    """End every connection to its database."""
    kept = store.database
    assert isinstance(kept, PostgresDatabase)
    with psycopg.connect(kept.settings.url.reveal(), autocommit=True) as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return len(ended.fetchall())


def test_connections_that_were_lost_while_nobody_used_them_are_made_anew(store: SqlStore) -> None:
    uses: list[Callable[[], object]] = [
        lambda: fact(store, "colour"),
        lambda: store.transact(set_fact("one")),
        store.revision,
    ]
    for use in uses:
        use()
        assert cut(store) >= 1
        use()
    with store.write() as writing:
        writing.set_fact("colour", "red")
    cut(store)
    with store.write() as writing:
        assert writing.fact("colour") == "red"


def test_work_that_was_cut_off_is_done_again_once(store: SqlStore) -> None:
    runs: list[int] = []

    def work(writing: Writing) -> int:
        writing.set_fact("number", str(len(runs)))
        runs.append(1)
        if len(runs) == 1:
            cut(store)
        return int(writing.fact("number") or "")

    assert store.transact(work) == 1
    assert len(runs) == 2
    assert fact(store, "number") == "1"


def test_work_that_is_cut_off_every_time_ends(store: SqlStore) -> None:
    runs: list[int] = []

    def work(writing: Writing) -> None:
        runs.append(1)
        cut(store)
        writing.set_fact("number", "1")

    with pytest.raises(Unreachable, match="cannot be reached"):
        store.transact(work)
    assert len(runs) == 2
    assert fact(store, "number") is None


def test_a_block_that_was_cut_off_says_so_and_nothing_of_it_is_there(store: SqlStore) -> None:
    def write() -> None:
        with store.write() as writing:
            writing.set_fact("half", "set")
            cut(store)
            writing.set_fact("whole", "set")

    def read() -> None:
        with store.read() as reading:
            cut(store)
            reading.fact("half")

    for use in (write, read):
        with pytest.raises(Unreachable, match="cannot be reached"):
            use()
    assert [fact(store, name) for name in ("half", "whole")] == [None, None]


class Wire:
    """Carries connections to the server, and breaks them when told to: before or behind what goes over."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.break_before = self.break_behind = b""
        self.broken = 0
        self.shut = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        port = self._listening.getsockname()[1]
        return f"postgresql://{self._database.server.user}:{PASSWORD}@127.0.0.1:{port}/{self._database.name}"

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listening.accept()
            except OSError:
                return
            if self.shut:
                ours.close()
                continue
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(f"{self._database.server.folder}/.s.PGSQL.5432")
            muted = threading.Event()
            threading.Thread(target=self._carry, args=(ours, theirs, muted, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(theirs, ours, muted, False), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, muted: threading.Event, asking: bool) -> None:
        try:
            while chunk := one.recv(65536):
                if asking and self.break_before and self.break_before in chunk:
                    self.break_before = b""
                    self.broken += 1
                    break
                if asking and self.break_behind and self.break_behind in chunk:
                    self.break_behind = b""
                    self.broken += 1
                    muted.set()
                elif muted.is_set():
                    break  # the answer, which nobody gets
                other.sendall(chunk)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


@pytest.fixture
def wire(database: Database) -> Iterator[Wire]:
    made = store_at(database)
    made.upgrade()
    made.close()
    wire = Wire(database)
    yield wire
    wire.close()


@pytest.fixture
def far(wire: Wire) -> Iterator[SqlStore]:
    store = store_at(wire.url)
    yield store
    store.close()


def test_a_commit_that_never_arrived_is_done_again(far: SqlStore, wire: Wire) -> None:
    runs: list[int] = []

    def work(writing: Writing) -> str:
        runs.append(1)
        writing.set_fact("colour", "red")
        if len(runs) == 1:
            wire.break_before = b"COMMIT"
        return "done"

    assert far.transact(work) == "done"
    assert (len(runs), wire.broken) == (2, 1)
    assert fact(far, "colour") == "red"


def test_a_commit_whose_answer_was_lost_is_not_done_twice(far: SqlStore, wire: Wire) -> None:
    runs: list[int] = []

    def work(writing: Writing) -> int:
        runs.append(1)
        number = int(writing.fact("number") or 0) + 1
        writing.set_fact("number", str(number))
        wire.break_behind = b"COMMIT"
        return number

    assert far.transact(work) == 1
    assert (len(runs), wire.broken) == (1, 1)
    assert fact(far, "number") == "1"
    with far.write() as writing:
        writing.set_fact("number", "2")
        wire.break_behind = b"COMMIT"
    assert (wire.broken, fact(far, "number")) == (2, "2")


def test_a_commit_of_which_nobody_knows_is_told_so(far: SqlStore, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "OUTCOME_SECONDS", 0.3)

    def work(writing: Writing) -> None:
        writing.set_fact("colour", "red")
        wire.break_behind = b"COMMIT"
        wire.shut = True

    with pytest.raises(Unreachable, match="whether it did is not known"):
        far.transact(work)


def test_all_goes_on_when_the_server_is_back(server: Server) -> None:
    database = server.create()
    store = store_at(database)
    store.upgrade()
    answered: list[str] = []
    refused: list[str] = []
    ended = threading.Event()

    def press(number: int) -> None:
        step = 0
        while not ended.is_set():
            name = f"fact-{number}-{step}"
            step += 1
            try:
                answered.append(store.transact(set_fact(name)))
            except Unreachable as error:
                refused.append(error.message)
                time.sleep(0.02)

    with ThreadPoolExecutor(4) as pool:
        pressing = [pool.submit(press, number) for number in range(4)]
        for end in (server.stop, server.kill):
            before = len(answered)
            while len(answered) < before + 50:
                time.sleep(0.01)
            end()
            time.sleep(0.2)
            server.start()
        before = len(answered)
        while len(answered) < before + 50:
            time.sleep(0.01)
        ended.set()
        for one in pressing:
            one.result()
    assert refused
    assert set(refused) <= {
        "The index's database cannot be reached.",
        "The index's database was lost while it noted this, and whether it did is not known.",
    }
    with store.read() as reading:
        assert [name for name in answered if reading.fact(name) != "set"] == []
    store.close()
    server.drop(database)


def test_threads_beyond_the_pool_wait_and_those_that_hold_one_do_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_at(database, pool=2)
    store.upgrade()
    free, inside = threading.Event(), threading.Barrier(3)

    def hold() -> str | None:
        with store.read():
            inside.wait(10)
            free.wait(10)
            return fact(store, "nothing")  # inside another, which must not wait for itself

    with ThreadPoolExecutor(3) as pool:
        holding = [pool.submit(hold) for _ in range(2)]
        inside.wait(10)
        monkeypatch.setattr(postgres_connections, "TURN_SECONDS", 0.1)
        with pytest.raises(Unreachable, match="All 2 connections"):
            fact(store, "nothing")
        monkeypatch.setattr(postgres_connections, "TURN_SECONDS", 10)
        waiting = pool.submit(fact, store, "nothing")
        free.set()
        assert [one.result(10) for one in (*holding, waiting)] == [None] * 3
    assert fact(store, "nothing") is None
    store.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://anna:{password}@127.0.0.1:1/index", "cannot be used: .*refused"),
        ("postgresql://anna:{password}@/nothing?host={folder}", 'database "nothing" does not exist|role "anna"'),
    ],
)
def test_who_cannot_get_in_is_told_why_and_the_password_is_not(
    postgres: Server, tmp_path: Any, url: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = url.format(password=PASSWORD, folder=postgres.folder)
    with pytest.raises(Unreachable, match=told) as error:
        open_store(tmp_path, Postgres(url=Secret(address)))
    assert PASSWORD not in f"{error.value!r} {error.value} {error.value.hint} {caplog.text}"


@pytest.mark.parametrize("url", ["postgresql://anna:{password}@[::1/index", "", "what {password} is"])
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(Misuse, match="cannot be read") as error:
        store_at(url.format(password=PASSWORD))
    assert PASSWORD not in f"{error.value!r} {error.value} {error.value.hint} {error.value.__cause__}"


def test_a_database_that_cannot_hold_every_text_is_refused(postgres: Server) -> None:
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    latin = Database(postgres, "latin")
    with pytest.raises(Misuse, match="encoding LATIN1"):
        PostgresDatabase(at(latin)).check()
    postgres.drop(latin)


def test_a_text_with_a_nul_is_kept_and_finds_nothing(store: SqlStore) -> None:
    with store.write() as writing:
        writing.set_fact("colour", "re\0d")
        assert writing.fact("colour") == "re\ufffdd"
        assert writing.project("hel\0lo") is None
        assert writing.token("\0") is None
        assert writing.user("an\0na") is None


def test_who_reads_sees_one_state_and_stands_in_nobodys_way(store: SqlStore) -> None:
    with store.read() as reading:
        assert reading.fact("colour") is None
        store.transact(set_fact("colour"))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_write, store).result(10)
        assert reading.fact("colour") is None
    assert fact(store, "colour") == "red"


def _write(store: SqlStore) -> None:
    with store.write() as writing:
        writing.set_fact("colour", "red")


def test_what_stands_in_the_way_for_long_is_told_in_words(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    other = store_at(_url(store))
    with other.database.reading() as opened:
        assert os.getpid() > 0
        opened.driver.execute("ROLLBACK; BEGIN; LOCK TABLE alembic_version IN EXCLUSIVE MODE")
        monkeypatch.setattr(postgres_connections, "_SETTINGS", "SET lock_timeout = '100ms'")
        hasty = store_at(_url(store))
        with pytest.raises(Unreachable, match="busy with something else for too long"):
            hasty.transact(set_fact("one"))
        hasty.close()
    other.close()
    assert store.transact(set_fact("one")) == "one"


def _url(store: SqlStore) -> str:
    kept = store.database
    assert isinstance(kept, PostgresDatabase)
    return kept.settings.url.reveal()
