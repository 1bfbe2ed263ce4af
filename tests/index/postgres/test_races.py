# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Races over two processes at one database: of all who want what only one can have, exactly one gets it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from tests.index.storage.conftest import PUBLIC, a_project, a_publisher
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Event, File, Issuer, Token, Use
from trustpub.index.ports import Exchange, Writing

from .conftest import store_at

ROUNDS = 12
LONG_ROUNDS = 1_000
RIVALS = 2
"""Threads in each of the two processes."""


def exchange(writing: Writing, number: int, rival: int) -> bool:
    """An identity token is taken once: whoever notes it first."""
    use = Use(
        issuer=PUBLIC, key=f"jti:{number}", expires=100, token_id=f"{rival}", at=1.5, peer="", body_sha256=f"{rival}"
    )
    return writing.claim(use) is None


def spend(writing: Writing, number: int, rival: int) -> bool:
    """A token for one upload authorises one."""
    return writing.spend(f"single-{number}", rival + 1)


def promote(writing: Writing, number: int, rival: int) -> bool:
    """A held name becomes real by the first upload, and the other publishers lose it."""
    project = writing.project(f"held-{number}")
    if project is None or project.pending_until is None:
        return False
    return len(writing.make_real(project.id, name=project.name, publisher_id=f"publisher-{number}-{rival}")) == 3


def name_file(writing: Writing, number: int, rival: int) -> bool:
    """A file's name is given once, in any spelling."""
    name = f"{'hello' if rival % 2 else 'Hello'}-{number}.0.tar.gz"
    if writing.file_spelled_like(name) is not None:
        return False
    writing.add_file(a_file(name, f"token-{rival}"))
    return True


def freeze(writing: Writing, number: int, rival: int) -> bool:
    """The ids of a publisher are set by the first identity, and never change."""
    return writing.pin(f"publisher-{number}-0", {"owner_id": str(rival)})


def look_alike(writing: Writing, number: int, rival: int) -> bool:
    """Two names that look alike are not both registered, though no rule of a table says so: looked for, then added."""
    name = f"{('ltool', 'itool', '1tool', 'lt0ol')[rival]}-{number}x"
    if writing.project_like(name) is not None:
        return False
    writing.add_project(a_project(name, f"alike-{number}-{rival}"))
    return True


def at_once(store: SqlStore, number: int, rival: int) -> bool:
    """An identity token is taken once, by mints that are one statement, and by a transaction between them."""
    use = Use(
        issuer=PUBLIC, key=f"at-once:{number}", expires=100, token_id=f"at-once-{number}-{rival}", at=1.5, peer="",
        body_sha256=f"{rival}",
    )  # fmt: skip
    if rival == RIVALS:
        return store.transact(lambda writing: writing.claim(use)) is None
    with store.read() as reading:
        publisher = reading.publisher("minting")
    assert publisher is not None
    token = replace(a_token(use.token_id), publisher_id=publisher.id)
    event = Event(at=1.5, kind="raced", project_id="project-1", publisher_id=publisher.id, facts={"number": number})
    issuer = Issuer(url=PUBLIC, kind="github")
    exchange = Exchange(issuer=issuer, publisher=publisher, use=use, token=token, events=[event])
    written = store.exchange([exchange])
    assert set(written) <= {token.id}
    return bool(written)


RACES: dict[str, Callable[[Writing, int, int], bool]] = {
    one.__name__: one for one in (exchange, spend, promote, name_file, freeze, look_alike)
}
ALL = (*RACES, at_once.__name__)


def a_file(name: str, token: str) -> File:
    return File(
        project_id="project-1", filename=name, version="1.0", filetype="sdist", size=1, sha256="a" * 64,
        blake2b_256="b" * 64, md5=None, metadata_sha256=None, requires_python=None, uploaded=1.5, token_id=token,
    )  # fmt: skip


def obey(first: int) -> None:
    """A process: in each round that it is told of, its rivals all try at once; it answers who won."""
    store = store_at(sys.stdin.readline().strip())
    for told in sys.stdin:
        race, number = json.loads(told)
        ready = threading.Barrier(RIVALS)
        won: list[bool] = []

        def rival(mine: int, race: str = race, number: int = number, ready: Any = ready, won: Any = won) -> None:
            ready.wait()
            if race == at_once.__name__:
                won.append(at_once(store, number, mine))
            else:
                won.append(store.transact(lambda writing: RACES[race](writing, number, mine)))

        threads = [threading.Thread(target=rival, args=(first + one,)) for one in range(RIVALS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        sys.stdout.write(json.dumps(won) + "\n")
        sys.stdout.flush()
    store.close()


@contextmanager
def two_processes(url: str) -> Iterator[list[subprocess.Popen[str]]]:
    program = "from tests.index.postgres.test_races import obey; import sys; obey(int(sys.argv[1]))"
    made = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(number * RIVALS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )
        for number in range(2)
    ]  # fmt: skip
    for one in made:
        say(one, url)
    yield made
    for one in made:
        assert one.stdin is not None
        one.stdin.close()
        assert one.wait(30) == 0
        assert one.stdout is not None
        one.stdout.close()


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> list[bool]:
    assert process.stdout is not None
    answer: list[bool] = json.loads(process.stdout.readline())
    return answer


def prepare(store: SqlStore, rounds: int) -> None:
    rivals = range(RIVALS * 2)
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_publisher(a_publisher("minting", "project-1"))
        for number in range(rounds):
            writing.add_project(a_project(f"held-{number}", f"held-{number}", pending_until=2_000_000_000))
            for rival in rivals:
                identity = f"publisher-{number}-{rival}"
                writing.add_publisher(a_publisher(identity, f"held-{number}", workflow=f"{identity}.yml"))
            writing.add_token(a_token(f"single-{number}"))


def a_token(token_id: str) -> Token:
    return Token(
        id=token_id, key_id="k", location="l", publisher_id=None, user_id=None, description="", caveats=(),
        scope="upload", created=1, expires=None, single_use=True,
    )  # fmt: skip


def hold(store: SqlStore, rounds: int) -> None:
    prepare(store, rounds)
    kept = store.database
    assert isinstance(kept, PostgresDatabase)
    with two_processes(kept.settings.url.reveal()) as processes:
        for race in ALL:
            for number in range(rounds):
                for process in processes:
                    say(process, json.dumps([race, number]))
                won = [one for process in processes for one in heard(process)]
                assert (race, number, sum(won), len(won)) == (race, number, 1, RIVALS * 2)
    with store.read() as reading:
        assert len(list(reading.all_files())) == rounds
        # Whoever lost left nothing.
        minted = [f"at-once-{number}-{rival}" for number in range(rounds) for rival in range(RIVALS * 2)]
        raced = reading.events(kinds=("raced",), limit=rounds * RIVALS * 2)
        assert len({one.facts["number"] for one in raced}) == len(raced) > 0
        assert sum(reading.token(one) is not None for one in minted) == len(raced)
        for number in range(rounds):
            project = reading.project(f"held-{number}")
            assert project is not None
            assert project.pending_until is None
            links = [one for rival in range(RIVALS * 2) if (one := reading.publisher(f"publisher-{number}-{rival}"))]
            assert sum(len(one.links) for one in links) == 1


def test_exactly_one_of_two_processes_gets_what_there_is_once(store: SqlStore) -> None:
    hold(store, ROUNDS)


@pytest.mark.long
def test_exactly_one_of_two_processes_gets_what_there_is_once_a_thousand_times(store: SqlStore) -> None:
    hold(store, LONG_ROUNDS)


def test_two_that_each_leave_the_last_one_to_the_other_do_not_both_go(store: SqlStore) -> None:
    """Each reads what the other changes, and beside each other neither would see it; no rule of a table forbids it."""
    twin = store_at(_url(store))
    for number in range(6):
        with store.write() as writing:
            for name in ("left", "right"):
                writing.set_fact(f"{name}-{number}", "here")
        both = threading.Barrier(2)
        runs: list[str] = []
        gone: list[bool] = []

        def leave(
            writing: Writing, mine: str, other: str, runs: list[str] = runs, both: threading.Barrier = both
        ) -> bool:
            runs.append(mine)
            alone = writing.fact(other) == "gone"
            if len(runs) <= 2:
                both.wait(10)
            if not alone:
                writing.set_fact(mine, "gone")
            return not alone

        def go(one: SqlStore, mine: str, other: str, leave: Any = leave, gone: Any = gone) -> None:
            gone.append(one.transact(lambda writing: leave(writing, mine, other)))

        names = (f"left-{number}", f"right-{number}")
        threads = [
            threading.Thread(target=go, args=(store, *names)),
            threading.Thread(target=go, args=(twin, *reversed(names))),
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
        assert sorted(gone) == [False, True]
        assert len(runs) >= 3, "they did not meet"
    twin.close()


def test_what_meets_others_every_time_is_done_alone_at_last(store: SqlStore) -> None:
    twin, runs = store_at(_url(store)), []

    def work(writing: Writing) -> str:
        runs.append(1)
        count = int(writing.fact("count") or 0)
        if len(runs) <= 2:
            # Another process changes what was read, and is done before this is.
            thread = threading.Thread(target=lambda: twin.transact(lambda one: one.set_fact("count", str(count + 10))))
            thread.start()
            thread.join(10)
        writing.set_fact("count", str(count + 1))
        return str(count + 1)

    assert store.transact(work) == "21"
    assert len(runs) == 3
    with store.read() as reading:
        assert reading.fact("count") == "21"
    twin.close()


def test_a_block_has_all_to_itself(store: SqlStore) -> None:
    twin, order = store_at(_url(store)), []

    def write() -> None:
        twin.transact(lambda writing: writing.set_fact("colour", "blue"))
        order.append("other")

    with store.write() as writing:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert writing.fact("colour") is None
        writing.set_fact("colour", "red")
        order.append("block")
    thread.join(10)
    assert order == ["block", "other"]
    twin.close()


def test_what_one_process_was_answered_the_other_reads(store: SqlStore) -> None:
    """No cache stands in between: a worker's answer is what the next one reads, at once."""
    twin = store_at(_url(store))
    with store.write() as writing:
        writing.add_project(a_project())
    for number in range(30):
        one, other = (store, twin) if number % 2 else (twin, store)
        before = other.state()
        file = a_file(f"hello-{number}.0.tar.gz", "token")
        one.transact(methodcaller("add_file", file))
        assert other.state() != before
        with other.read() as reading:
            assert reading.file(file.filename) == file
    twin.close()


def _url(store: SqlStore) -> str:
    kept = store.database
    assert isinstance(kept, PostgresDatabase)
    return kept.settings.url.reveal()
