# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A mint as one statement: the same rows as by a transaction, nothing where anything has changed, and never twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from joserfc.jwk import RSAKey
from psycopg import sql

from tests.index.storage.conftest import a_store_of, a_twin
from tests.mint.conftest import ISSUER, PEER, Bench, signing_key  # noqa: F401 - a fixture
from tests.postgres import Database, Server
from trustpub.errors import Unreachable
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.sql import postgres as adapter
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Event, Issuer, Project, Token, Use
from trustpub.index.ports import Exchange, Writing
from trustpub.protocol.exchange import Minted, Problem
from trustpub.tokens import macaroon
from trustpub.trust.publishers import Link, Publisher, Rules

from .conftest import store_at
from .test_reach import Wire, wire  # noqa: F401 - a fixture

LINKS = (
    Link(project_id="project-2", project="Other", pending_until=2_000_000_000, rules=Rules(ref="refs/heads/*")),
    Link(project_id="project-1", project="Hello", rules=Rules(ref="refs/tags/v*", events=("push", "release"))),
)


@pytest.fixture
def bench(postgres: Server, signing_key: RSAKey, tmp_path: Path) -> Iterator[Bench]:  # noqa: F811
    """As for the tests of the mint: an issuer, two projects and a publisher; its rows are in PostgreSQL."""
    store, drop = a_store_of(postgres)
    bench = Bench(store=store, key=signing_key, blobs=FolderBlobs(tmp_path))
    stock(bench, signing_key)
    yield bench
    store.close()
    drop()


def stock(bench: Bench, key: RSAKey) -> None:
    with bench.store.write() as writing:
        writing.put_issuer(Issuer(url=ISSUER, kind="github", jwks={"keys": [key.as_dict(private=False)]}))
    bench.add_project("project-1", "Hello")
    bench.add_project("project-2", "Other", pending_until=2_000_000_000)
    bench.add_publisher(links=LINKS)


def publisher(store: SqlStore) -> Publisher:
    with store.read() as reading:
        found = reading.publisher("pub-1")
    assert found is not None
    return found


def an_exchange(store: SqlStore, name: str = "a", token_id: str = "token-a", **changes: Any) -> Exchange:
    token = Token(
        id=token_id, key_id="k", location="l", publisher_id="pub-1", user_id=None, description="no \\u0000 \U0001f600",
        caveats=((0, 20, 10),), scope="upload", created=10, expires=20, claims={"ref": "refs/tags/v\x01\\u0000"},
    )  # fmt: skip
    use = Use(issuer=ISSUER, key=f"jti:{name}", expires=30, token_id=token_id, at=10.1, peer=PEER, body_sha256="f" * 64)
    events = [
        Event(at=10.1, kind=kind, project_id="project-1", publisher_id="pub-1", facts={"token": token_id})
        for kind in ("first", "second", "third")
    ]
    issuer = Issuer(url=ISSUER, kind="github")
    given = {"issuer": issuer, "publisher": publisher(store), "use": use, "token": token, "events": events}
    return Exchange(**{**given, **changes})


def rows(store: SqlStore) -> dict[str, list[Any]]:
    kept = store.database
    assert isinstance(kept, PostgresDatabase)
    with psycopg.connect(kept.settings.url.reveal()) as connection:
        return {
            table: connection.execute(
                sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(table))
            ).fetchall()
            for table in ("claims", "tokens", "events")
        }


def test_the_rows_are_those_that_a_transaction_writes(bench: Bench) -> None:
    exchange = an_exchange(bench.store)
    assert bench.store.exchange([exchange]) == {"token-a"}
    with bench.store.read() as reading:
        assert reading.token("token-a") == exchange.token
        assert [one.kind for one in reading.events()] == ["third", "second", "first"]
    at_once = rows(bench.store)
    with bench.store.read() as reading:
        number = max(one.number or 0 for one in reading.events())
    other = an_exchange(bench.store, "b", "token-b")

    def write(writing: Writing) -> None:
        assert writing.claim(other.use) is None
        writing.add_token(other.token)
        for event in other.events:
            writing.add_event(event)

    bench.store.transact(write)
    after = rows(bench.store)
    for table, count in (("claims", 1), ("tokens", 1), ("events", 3)):
        mine, added = at_once[table], [row for row in after[table] if row not in at_once[table]]
        assert len(mine) == len(added) == count
        told = [[str(value).replace("token-b", "token-a").replace("jti:b", "jti:a") for value in row] for row in added]
        skip = 1 if table == "events" else 0
        assert [row[skip:] for row in told] == [[str(value) for value in row][skip:] for row in mine]
    assert [row[0] for row in after["events"][-3:]] == [number + 1, number + 2, number + 3]


def move_link(writing: Writing) -> None:
    writing.link_publisher("pub-1", "project-1", Rules(ref="refs/tags/v1"))


def add_link(writing: Writing) -> None:
    writing.add_project(Project(id="p3", name="P3", normalized="p3", created=1, pending_until=None, serial=0))
    writing.link_publisher("pub-1", "p3", Rules())


CHANGES: dict[str, Callable[[Writing], object]] = {
    "removed": lambda writing: [writing.unlink_publisher("pub-1", one) for one in ("project-1", "project-2")],
    "a link removed": lambda writing: writing.unlink_publisher("pub-1", "project-2"),
    "a link added": add_link,
    "another rule": move_link,
    "another id": lambda writing: writing.pin("pub-1", {"enterprise": "1"}),
    "real": lambda writing: writing.make_real("project-2", name="Other", publisher_id=None),
    "issuer off": lambda writing: writing.switch_issuer(ISSUER, on=False),
    "issuer of another kind": lambda writing: writing.put_issuer(Issuer(url=ISSUER, kind="gitlab")),
    "read only": lambda writing: writing.set_fact("read-only", "moving"),
    "stopped": lambda writing: writing.set_fact("stop-minting:github", "an incident"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_written_where_anything_it_was_decided_on_has_changed(bench: Bench, change: str) -> None:
    exchange = an_exchange(bench.store)
    bench.store.transact(CHANGES[change])
    before = rows(bench.store)
    assert bench.store.exchange([exchange]) == set()
    assert rows(bench.store) == before


def test_what_does_not_concern_it_does_not_stop_it(bench: Bench) -> None:
    exchange = an_exchange(bench.store)
    bench.add_publisher("pub-2", repository="octo-org/other", repository_id="9")
    with bench.store.write() as writing:
        writing.set_fact("stop-minting:gitlab", "an incident")
        writing.set_fact("stop-minting:github", "")
        writing.touch("project-1")
    assert bench.store.exchange([exchange]) == {"token-a"}


@pytest.mark.parametrize("plan", ["auto", "force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("before", [0, 12], ids=["new", "prepared"])
def test_it_waits_for_a_form_that_is_being_sent_and_sees_what_that_did(
    bench: Bench, before: int, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its plan is new or kept, PostgreSQL locks first and looks afterwards."""
    settings = f"{adapter_settings()}; SET plan_cache_mode = {plan}"
    monkeypatch.setattr("trustpub.index.adapters.sql.postgres_connections._SETTINGS", settings)
    twin = a_twin(bench.store)
    for number in range(before):
        assert twin.exchange([an_exchange(twin, f"before-{number}", f"token-{number}")])
    exchange, written = an_exchange(twin), []
    with bench.store.write() as writing:
        thread = threading.Thread(target=lambda: written.append(twin.exchange([exchange])))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        writing.end_tokens(11)
        move_link(writing)
    thread.join(10)
    assert written == [set()]
    twin.close()


def adapter_settings() -> str:
    from trustpub.index.adapters.sql import postgres_connections

    return postgres_connections._SETTINGS


def test_a_form_waits_for_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who burns all tokens misses none that was being written."""
    kept = bench.store.database
    assert isinstance(kept, PostgresDatabase)
    exchange, twin, ended = an_exchange(bench.store), a_twin(bench.store), []
    with psycopg.connect(kept.settings.url.reveal()) as other:
        # Another statement that is about to take the same claim, and then does not.
        other.execute("INSERT INTO claims VALUES (%s, 'jti:a', 1, 'x', 1, '', '')", (ISSUER,))
        minting = threading.Thread(target=bench.store.exchange, args=([exchange],))
        minting.start()
        time.sleep(0.2)

        def end() -> None:
            with twin.write() as writing:
                ended.append(writing.end_tokens(11))

        ending = threading.Thread(target=end)
        ending.start()
        ending.join(0.2)
        assert ending.is_alive()
        other.rollback()
    minting.join(10)
    ending.join(10)
    assert ended == [1]
    twin.close()


def test_of_two_with_one_identity_token_the_second_waits_and_writes_nothing(bench: Bench) -> None:
    kept = bench.store.database
    assert isinstance(kept, PostgresDatabase)
    written: list[Any] = []
    with psycopg.connect(kept.settings.url.reveal()) as other:
        other.execute("INSERT INTO claims VALUES (%s, 'jti:a', 1, 'x', 1, '', '')", (ISSUER,))
        exchange = an_exchange(bench.store)
        thread = threading.Thread(target=lambda: written.append(bench.store.exchange([exchange])))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(10)
    assert written == [set()]
    assert [len(found) for found in rows(bench.store).values()] == [1, 0, 0]


def test_one_that_cannot_be_written_so_is_left_to_a_transaction_with_those_beside_it(bench: Bench) -> None:
    good, bad = an_exchange(bench.store), an_exchange(bench.store, "b", "token-b")
    bad = replace(bad, token=replace(bad.token, description="a\0b"))
    assert bench.store.exchange([good, bad]) == ()
    assert [len(found) for found in rows(bench.store).values()] == [0, 0, 0]


def test_a_round_of_mints_is_written_by_one_statement(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def transact_all(store: SqlStore, works: Any) -> Any:
        assert not works
        return []

    monkeypatch.setattr(SqlStore, "transact_all", transact_all)
    answers = bench.mint.mint_together([(bench.body(jti=name), PEER) for name in "abcdef"])
    assert all(isinstance(one, Minted) for one in answers)
    assert isinstance(bench.mint.mint(bench.body(jti="g"), PEER), Minted)
    assert len(bench.events("token-minted")) == 7
    assert len(bench.events("project-withheld")) == 7


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("removed", "invalid-publisher"), ("another rule", ""), ("issuer off", "not-enabled"),
        ("read only", "read-only"), ("stopped", "minting-stopped"),
    ],
)  # fmt: skip
def test_what_changes_between_the_decision_and_the_statement_is_decided_anew(
    bench: Bench, change: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(bench, CHANGES[change], monkeypatch)
    answers = bench.mint.mint_together([(bench.body(jti=name), PEER) for name in "ab"])
    assert [one.code if isinstance(one, Problem) else "" for one in answers] == [code, code]
    assert len(rows(bench.store)["tokens"]) == (0 if code else 2)


def test_an_identity_token_that_is_used_in_between_is_used(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere: list[Any] = []
    twin = Bench(store=a_twin(bench.store), key=bench.key, blobs=bench.blobs)
    body, other = bench.body(jti="a"), bench.body(jti="b")
    meet(bench, lambda _: elsewhere.append(twin.mint.mint(body, "198.51.100.1")), monkeypatch)
    used, fresh = bench.mint.mint_together([(body, PEER), (other, PEER)])
    assert isinstance(elsewhere[0], Minted)
    assert isinstance(used, Problem)
    assert used.code == "invalid-reuse-token"
    assert isinstance(fresh, Minted)
    assert len(rows(bench.store)["tokens"]) == 2
    twin.store.close()


def meet(bench: Bench, change: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the change committed by another process between the decision and the statement, once."""
    twin, real = a_twin(bench.store), SqlStore.exchange
    done: list[int] = []

    def exchange(store: SqlStore, exchanges: Any) -> Any:
        if store is bench.store and not done:
            done.append(1)
            twin.transact(change)
            twin.close()
        return real(store, exchanges)

    monkeypatch.setattr(SqlStore, "exchange", exchange)


@pytest.fixture
def far(wire: Wire, database: Database, signing_key: RSAKey, tmp_path: Path) -> Iterator[Bench]:  # noqa: F811
    """Behind a wire that can be broken."""
    store = store_at(wire.url)
    bench = Bench(store=store, key=signing_key, blobs=FolderBlobs(tmp_path))
    stock(bench, signing_key)
    yield bench
    store.close()


STATEMENT = b"WITH standing"


def test_a_statement_that_never_arrived_is_sent_again(far: Bench, wire: Wire) -> None:  # noqa: F811
    wire.break_before = STATEMENT
    minted = far.minted()
    assert wire.broken == 1
    assert len(far.events("token-minted")) == 1
    assert far.row(minted).id == macaroon.parse(minted.token).identifier


def test_a_statement_whose_answer_was_lost_is_not_done_twice(far: Bench, wire: Wire) -> None:  # noqa: F811
    """And is told as done, even to a client whose address is not known, who could not ask again."""
    wire.break_behind = STATEMENT
    first, second = far.mint.mint_together([(far.body(jti=name), "") for name in "ab"])
    assert wire.broken == 1
    assert isinstance(first, Minted)
    assert isinstance(second, Minted)
    assert [len(found) for found in rows(far.store).values()] == [2, 2, 4]
    assert not far.events("token-repeated")


def test_a_statement_of_which_nobody_knows_is_told_so(
    far: Bench,
    wire: Wire,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapter, "OUTCOME_SECONDS", 0.3)
    exchange = an_exchange(far.store)
    wire.break_behind = STATEMENT
    shut = threading.Timer(0, setattr, (wire, "shut", True))
    shut.start()
    shut.join()
    with pytest.raises(Unreachable, match="whether it did is not known"):
        far.store.exchange([exchange])
    wire.shut = False
    assert far.store.exchange([exchange]) == set()
    assert [len(found) for found in rows(far.store).values()] == [1, 1, 3]


def test_where_no_connection_can_be_had_it_does_not_wait(far: Bench, wire: Wire) -> None:  # noqa: F811
    exchange = an_exchange(far.store)
    wire.shut = True
    far.store.close()
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="cannot be reached"):
        far.store.exchange([exchange])
    assert time.monotonic() - begun < adapter.OUTCOME_SECONDS / 2
