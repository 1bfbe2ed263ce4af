# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Group commit: many who write at once share a trip to the disk, and nothing else."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from trustpub.errors import Unreachable
from trustpub.index.adapters.sql.line import MOST
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.ports import Writing

from .both import on_both, on_sqlite_only  # noqa: F401 - a fixture
from .conftest import a_project, a_publisher, a_twin, eventually

MANY = 24


@contextmanager
def a_crowd(store: SqlStore, works: list[Callable[[Writing], Any]]) -> Iterator[list[Future[Any]]]:
    """All of these works wait in line, in this order, until the block ends."""
    with ThreadPoolExecutor(len(works)) as pool, store.write():
        crowd = []
        for work in works:
            crowd.append(pool.submit(store.transact, work))
            eventually(lambda: len(store._line._places) == len(crowd) + 1)
        yield crowd


def set_fact(name: str) -> Callable[[Writing], str]:
    def work(writing: Writing) -> str:
        writing.set_fact(name, "set")
        return name

    return work


def facts(store: SqlStore, *names: str) -> list[str]:
    with store.read() as reading:
        return [name for name in names if reading.fact(name) is not None]


def test_those_who_wait_share_one_transaction_and_each_gets_its_own_answer(store: SqlStore) -> None:
    seen: list[Writing] = []

    def work(number: int) -> Callable[[Writing], int]:
        def do(writing: Writing) -> int:
            seen.append(writing)
            writing.set_fact(f"fact-{number}", "set")
            return number

        return do

    with a_crowd(store, [work(number) for number in range(MANY)]) as crowd:
        pass
    assert [one.result() for one in crowd] == list(range(MANY))
    assert len(set(map(id, seen))) == 1
    assert len(facts(store, *(f"fact-{number}" for number in range(MANY)))) == MANY


def test_a_transaction_is_shared_by_no_more_than_are_quickly_done(store: SqlStore) -> None:
    seen: list[Writing] = []
    with a_crowd(store, [seen.append] * (MOST + 10)):
        pass
    sizes = [sum(one is writing for one in seen) for writing in {id(one): one for one in seen}.values()]
    assert sizes == [MOST, 10]


def test_one_that_fails_undoes_itself_alone(store: SqlStore) -> None:
    def fail(writing: Writing) -> None:
        writing.set_fact("bad", "set")
        assert writing.fact("good-1") == "set"
        raise LookupError("not here")

    def break_a_rule(writing: Writing) -> None:
        writing.set_fact("worse", "set")
        writing.add_publisher(a_publisher("publisher-1", "no such project"))

    with a_crowd(store, [set_fact("good-1"), fail, break_a_rule, set_fact("good-2")]) as crowd:
        pass
    assert [crowd[0].result(), crowd[3].result()] == ["good-1", "good-2"]
    with pytest.raises(LookupError, match="not here"):
        crowd[1].result()
    with pytest.raises(IntegrityError):
        crowd[2].result()
    assert facts(store, "good-1", "good-2", "bad", "worse") == ["good-1", "good-2"]


def test_several_works_of_one_caller_are_answered_in_order_and_undone_one_by_one(store: SqlStore) -> None:
    def fail(writing: Writing) -> str:
        writing.set_fact("bad", "set")
        raise LookupError("not here")

    one, error, two = store.transact_all([set_fact("one"), fail, set_fact("two")])
    assert (one, two) == ("one", "two")
    assert isinstance(error, LookupError)
    assert store.transact_all([]) == []
    assert facts(store, "one", "two", "bad") == ["one", "two"]


def test_an_interrupted_work_among_several_interrupts_their_caller(store: SqlStore) -> None:
    def interrupt(writing: Writing) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.transact_all([set_fact("one"), interrupt])
    assert store.transact(set_fact("later")) == "later"


@on_sqlite_only
def test_when_the_commit_fails_all_are_told_and_nothing_is_there(store: SqlStore) -> None:
    """Whoever refused because of another's work as well: that work is undone."""

    def promise(writing: Any) -> str:
        writing.set_fact("promise", "set")
        writing._driver.execute("PRAGMA defer_foreign_keys = ON")
        writing._driver.execute("INSERT INTO members (project_id, user_id) VALUES ('nothing', 'nobody')")
        return "done"

    def refuse(writing: Writing) -> None:
        assert writing.fact("promise") == "set"
        raise LookupError("taken")

    with a_crowd(store, [set_fact("good"), promise, refuse]) as crowd:
        pass
    for one in crowd:
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            one.result()
    assert facts(store, "good", "promise") == []
    assert store.transact(set_fact("later")) == "later"
    assert facts(store, "later") == ["later"]


@on_sqlite_only
def test_a_full_disk_is_told_in_words_and_the_others_go_on(store: SqlStore) -> None:
    def fill(writing: Any) -> None:
        pages = writing._driver.execute("PRAGMA page_count").fetchone()[0]
        writing._driver.execute(f"PRAGMA max_page_count = {pages}")
        try:
            writing._driver.execute("INSERT INTO facts VALUES ('big', ?)", ["x" * 1_000_000])
        finally:
            writing._driver.execute("PRAGMA max_page_count = 1000000")

    with a_crowd(store, [set_fact("before"), fill, set_fact("after")]) as crowd:
        pass
    with pytest.raises(Unreachable, match="full"):
        crowd[1].result()
    told = [one.exception() for one in (crowd[0], crowd[2])]
    # SQLite may give up the whole transaction then; what it may not is let anybody believe otherwise.
    expected = ["before", "after"] if told == [None, None] else []
    assert facts(store, "before", "after") == expected


def test_an_error_that_takes_the_whole_transaction_away_is_told_to_all(store: SqlStore) -> None:
    def give_up(writing: Any) -> None:
        writing._driver.execute("ROLLBACK")
        raise MemoryError

    with a_crowd(store, [set_fact("before"), give_up, set_fact("after")]) as crowd:
        pass
    for one in crowd:
        with pytest.raises(MemoryError):
            one.result()
    assert facts(store, "before", "after") == []


@pytest.mark.parametrize("place", [0, 1])
def test_an_interrupted_work_leaves_nobody_waiting(store: SqlStore, place: int) -> None:
    def interrupt(writing: Writing) -> None:
        writing.set_fact("bad", "set")
        raise KeyboardInterrupt

    works: list[Callable[[Writing], Any]] = [set_fact("one"), set_fact("two"), set_fact("three")]
    works.insert(place, interrupt)
    with a_crowd(store, works) as crowd:
        pass
    told = [one.exception(timeout=10) for one in crowd]
    assert isinstance(told[place], KeyboardInterrupt)
    # Whoever ran it all is interrupted too: its own work is done, as when the signal comes a moment later.
    others = told[:place] + told[place + 1 :]
    assert [one for one in others if not isinstance(one, KeyboardInterrupt | None)] == []
    assert facts(store, "one", "two", "three", "bad") == ["one", "two", "three"]
    assert store.transact(set_fact("later")) == "later"


def test_who_is_interrupted_while_it_waits_leaves_the_line(store: SqlStore) -> None:
    free, after = threading.Event(), []

    def hold() -> None:
        with store.write():
            held.set()
            free.wait(10)

    def follow() -> None:
        eventually(lambda: len(store._line._places) == 2)
        following = threading.Thread(target=lambda: after.append(store.transact(set_fact("after"))))
        following.start()
        eventually(lambda: len(store._line._places) == 3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        eventually(lambda: len(store._line._places) == 2)
        free.set()
        following.join(10)

    held = threading.Event()
    holder, follower = threading.Thread(target=hold), threading.Thread(target=follow)
    holder.start()
    assert held.wait(10)
    follower.start()
    with pytest.raises(KeyboardInterrupt):
        store.transact(set_fact("mine"))
    holder.join(10)
    follower.join(10)
    assert after == ["after"]
    assert facts(store, "mine", "after") == ["after"]


def test_a_block_gets_its_turn_among_many_works_and_works_among_blocks(store: SqlStore) -> None:
    done, counted = threading.Event(), [0] * 4

    def press(number: int) -> None:
        while not done.is_set():
            store.transact(set_fact(f"fact-{number}"))
            counted[number] += 1

    with ThreadPoolExecutor(4) as pool:
        for number in range(4):
            pool.submit(press, number)
        started = time.monotonic()
        for number in range(50):
            with store.write() as writing:
                writing.set_fact("block", str(number))
        took = time.monotonic() - started
        done.set()
    assert took < 20
    assert min(counted) > 0


def test_a_transaction_inside_another_is_an_error_and_no_deadlock(store: SqlStore) -> None:
    with pytest.raises(RuntimeError, match="inside another"):
        store.transact(lambda _: store.transact(set_fact("inner")))
    with pytest.raises(RuntimeError, match="inside another"), store.write(), store.write():
        pass
    assert store.transact(set_fact("later")) == "later"


def test_what_was_read_in_a_work_that_failed_can_be_read_on(store: SqlStore) -> None:
    """A cursor that was left open does not stand in the way of undoing."""

    def leave_open(writing: Any) -> None:
        writing.add_project(a_project())
        cursor = writing._driver.execute("SELECT * FROM projects, projects AS others, issuers")
        cursor.fetchone()
        raise LookupError

    with pytest.raises(LookupError):
        store.transact(leave_open)
    with store.read() as reading:
        assert reading.project("hello") is None


def test_many_threads_over_two_stores_lose_nothing(store: SqlStore) -> None:
    beside = a_twin(store)

    def work(number: int) -> list[str]:
        one = store if number % 3 else beside
        return [one.transact(set_fact(f"fact-{number}-{step}")) for step in range(20)]

    with ThreadPoolExecutor(16) as pool:
        names = [name for answered in pool.map(work, range(16)) for name in answered]
    beside.close()
    assert len(names) == 320
    assert facts(store, *names) == names


_PROGRAM = """
import sys, threading
from pathlib import Path
from trustpub.index.bootstrap.stores import open_store
from trustpub.index.settings import Postgres
from trustpub.secret import Secret

url = sys.argv[2:]
store = open_store(Path(sys.argv[1]), Postgres(url=Secret(url[0])) if url else None)

def work(number):
    step = 0
    while True:
        name = f"fact-{number}-{step}"
        store.transact(lambda writing: writing.set_fact(name, "set"))
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()
        step += 1

for number in range(8):
    threading.Thread(target=work, args=(number,)).start()
"""


def test_what_was_answered_is_there_after_the_process_was_killed(store: SqlStore, tmp_path: Path) -> None:
    kept = store.database
    where = [kept.settings.url.reveal()] if isinstance(kept, PostgresDatabase) else []
    program = [sys.executable, "-c", _PROGRAM, str(tmp_path), *where]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    answered = [process.stdout.readline().strip() for _ in range(200)]
    process.kill()
    rest, _ = process.communicate(timeout=30)
    answered += [line for line in rest.split("\n")[:-1] if line]
    assert len(answered) >= 200
    assert facts(store, *answered) == answered
    assert store.fault() is None


def test_a_store_that_is_locked_by_another_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustpub.index.adapters.sql.connections.BUSY_SECONDS", 0.1)
    store = SqlStore(tmp_path / "index.db")
    store.upgrade()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(store.transact, set_fact("one")) for _ in range(4)]
        for one in asked:
            with pytest.raises(Unreachable, match="locked by another program"):
                one.result()
        other.execute("ROLLBACK")
    assert store.transact(set_fact("later")) == "later"
    store.close()
