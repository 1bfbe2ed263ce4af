# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The processes of an index meet at a real PostgreSQL: what one counts the others know, and one of them keeps house."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from trustpub.index.accounts.patience import Patience
from trustpub.index.adapters.fellows import Alone
from trustpub.index.adapters.sql.fellows import MOST_BYTES, PostgresFellows
from trustpub.index.limits import Counts, Limits, Shared
from trustpub.index.settings import Postgres
from trustpub.secret import Secret

from ..postgres import Database, Server  # noqa: TID252 - pytest gives these folders no absolute name

SECONDS = 20
NOW = 1_800_000_000.0


def soon(true: Callable[[], object]) -> None:
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


@contextlib.contextmanager
def met(database: Database, *listened: Callable[[PostgresFellows], object]) -> Iterator[PostgresFellows]:
    one = PostgresFellows(Postgres(url=Secret(database.url)))
    for listen in listened:
        listen(one)
    one.begin()
    try:
        # In the same thread as all it does: who listens is met.
        soon(lambda: database.run("SELECT 1 FROM pg_stat_activity WHERE application_name = 'trustpub meets'"))
        yield one
    finally:
        one.close()


@pytest.fixture
def pair(database: Database) -> Iterator[tuple[PostgresFellows, PostgresFellows]]:
    with met(database) as one, met(database) as other:
        # Both hear each other from here on.
        heard: list[str] = []
        for at in (one, other):
            at.listen("test-met", heard.append)
        for number, at in enumerate((one, other)):
            until = time.monotonic() + SECONDS
            while str(number) not in heard:
                assert time.monotonic() < until
                at.tell("test-met", str(number))
                time.sleep(0.02)
        yield one, other


def test_who_is_alone_keeps_house() -> None:
    alone = Alone()
    assert alone.leads()
    alone.tell("anything", "nobody hears")


def test_one_keeps_house_and_another_once_it_is_gone(database: Database) -> None:
    with met(database) as one:
        soon(one.leads)
        with met(database) as other:
            time.sleep(0.3)
            assert one.leads()
            assert not other.leads()
            one.close()
            assert not one.leads()
            soon(other.leads)


def test_who_was_cut_off_leads_no_more_and_comes_back(server: Server) -> None:
    database = server.create()
    heard: list[str] = []
    with met(database, lambda one: one.listen("a", heard.append)) as one, met(database) as other:
        soon(lambda: one.leads() or other.leads())
        database.break_connections()
        soon(lambda: not one.leads() and not other.leads())
        soon(lambda: one.leads() or other.leads())
        assert not (one.leads() and other.leads())
        server.stop()
        soon(lambda: not one.leads() and not other.leads())
        other.tell("a", "said while the server was down")
        server.start()
        soon(lambda: one.leads() or other.leads())

        def told() -> bool:
            other.tell("a", "said again")
            time.sleep(0.05)
            return "said again" in heard

        soon(told)


def test_a_word_reaches_the_others_soon_and_not_its_speaker(pair: tuple[PostgresFellows, PostgresFellows]) -> None:
    heard: dict[str, list[str]] = {"one": [], "other": []}
    pair[0].listen("a", heard["one"].append)
    pair[1].listen("a", heard["other"].append)
    begun = time.monotonic()
    pair[0].tell("a", "word")
    soon(lambda: heard["other"])
    assert time.monotonic() - begun < 2
    assert heard == {"one": [], "other": ["word"]}


def test_many_and_long_words_arrive_in_their_order(pair: tuple[PostgresFellows, PostgresFellows]) -> None:
    heard: list[str] = []
    pair[1].listen("a", heard.append)
    words = [f"{number} \u00e9\x00\U0001f600" * (1 + number % 40) for number in range(300)]
    for word in words:
        pair[0].tell("a", word)
    pair[0].tell("a", "x" * MOST_BYTES)  # nothing that anybody says, and nothing that stops the others
    pair[0].tell("a", "last")
    soon(lambda: "last" in heard)
    assert heard == [*words, "last"]


def test_what_another_program_says_is_no_fault(
    database: Database, pair: tuple[PostgresFellows, PostgresFellows]
) -> None:
    heard: list[str] = []
    pair[1].listen("a", heard.append)
    for payload in ("", "no JSON", "[]", '{"by": "me", "said": [["a"]]}', '{"by": "me", "said": [["unknown", "x"]]}'):
        database.run("SELECT pg_notify('trustpub', %s)", payload)
    pair[0].tell("a", "word")
    soon(lambda: heard)
    assert heard == ["word"]


def test_a_word_that_is_none_does_not_end_the_thread(pair: tuple[PostgresFellows, PostgresFellows]) -> None:
    counts = Counts(2, shared=Shared(pair[1], "c"))
    for word in ("", "[]", '["add", 7]', '["add", ["key"], 1]', '["add", "key", "when"]'):
        pair[0].tell("c", word)
    Counts(2, shared=Shared(pair[0], "c")).add("key", NOW)
    counts.add("key", NOW)
    soon(lambda: counts.wait("key", NOW))
    assert pair[1]._thread is not None
    assert pair[1]._thread.is_alive()


def test_failed_mints_are_counted_together(pair: tuple[PostgresFellows, PostgresFellows]) -> None:
    one, other = (Limits(per_address=4, per_subject=2, fellows=fellow) for fellow in pair)
    for at in (one, other, one, other):
        at.failed("192.0.2.1", NOW)
    one.refused("https://ci.test", "acme/hello", NOW)
    other.refused("https://ci.test", "acme/hello", NOW)
    for at in (one, other):
        soon(lambda at=at: at.blocked("192.0.2.1", NOW))  # type: ignore[misc]
        soon(lambda at=at: at.blocked_subject("https://ci.test", "acme/hello", NOW))  # type: ignore[misc]
        assert at.blocked("192.0.2.2", NOW) is None


def test_wrong_passwords_are_counted_together_and_a_right_one_makes_them_good(
    pair: tuple[PostgresFellows, PostgresFellows],
) -> None:
    one, other = (Patience(per_name_and_address=2, fellows=fellow) for fellow in pair)
    codes = Patience(per_name_and_address=2, fellows=pair[1], of="code")
    one.failed("alice", "192.0.2.1", NOW)
    other.failed("alice", "192.0.2.1", NOW + 1)
    soon(lambda: one.wait("Alice", "192.0.2.1", NOW + 1) and other.wait("alice", "192.0.2.1", NOW + 1))
    assert codes.wait("alice", "192.0.2.1", NOW + 1) is None
    one.succeeded("alice", "192.0.2.1", NOW)
    soon(lambda: other.wait("alice", "192.0.2.1", NOW + 1) is None)
