# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from trustpub.errors import Misuse
from trustpub.index.adapters.sql.store import SqlStore, head, knows
from trustpub.index.adapters.sql.tables import metadata
from trustpub.index.kept import Event, File, Issuer, Token, Use, User

from .both import VIOLATION, on_both, on_sqlite_only  # noqa: F401 - a fixture
from .conftest import PUBLIC, a_project, a_publisher, a_twin

TOKEN = Token(
    id="token-1",
    key_id="key-1",
    location="index.example",
    publisher_id="publisher-1",
    user_id=None,
    description="minted",
    caveats=((0, 200, 100), (2, ("project-1",)), (4, "publisher-1")),
    scope="upload",
    created=100,
    expires=200,
    claims={"workflow_ref": "Octo-Org/hello/.github/workflows/release.yml@refs/heads/main"},
)
FILE = File(
    project_id="project-1",
    filename="hello-1.0-py3-none-any.whl",
    version="1.0",
    filetype="bdist_wheel",
    size=3,
    sha256="a" * 64,
    blake2b_256="b" * 64,
    md5=None,
    metadata_sha256="c" * 64,
    requires_python=">=3.9",
    uploaded=1_790_000_000.123456,
    token_id="token-1",
)


def a_use(**changes: Any) -> Use:
    use = Use(
        issuer=PUBLIC, key="jti:1", expires=100, token_id="token-1", at=50.5, peer="192.0.2.7", body_sha256="d" * 64
    )
    return dataclasses.replace(use, **changes)


def test_the_newest_migration_leaves_the_tables_the_code_knows(store: SqlStore) -> None:
    with store.database.reading() as opened:
        assert compare_metadata(MigrationContext.configure(opened.core), metadata) == []
    assert store.revision() == head()
    assert knows(head())
    assert not knows("9999")


@on_sqlite_only
def test_every_connection_is_durable_and_keeps_foreign_keys(store: SqlStore) -> None:
    with store.read() as reading:
        said = {
            name: reading._connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # type: ignore[attr-defined]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_transaction_that_fails_leaves_nothing(store: SqlStore) -> None:
    def fail() -> None:
        with store.write() as writing:
            writing.set_fact("colour", "red")
            assert writing.fact("colour") == "red"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.read() as reading:
        assert reading.fact("colour") is None


def test_a_reader_does_not_see_what_is_committed_meanwhile(store: SqlStore) -> None:
    with store.read() as reading:
        assert reading.fact("colour") is None
        with store.write() as writing:
            writing.set_fact("colour", "red")
        assert reading.fact("colour") is None
    with store.write() as writing:
        writing.set_fact("colour", "blue")
    with store.read() as reading:
        assert reading.fact("colour") == "blue"


def test_issuers_are_added_replaced_and_removed(store: SqlStore) -> None:
    given = Issuer(url=PUBLIC, kind="github", jwks={"keys": [{"kid": "1"}]}, ca="PEM")
    with store.write() as writing:
        writing.put_issuer(given)
        assert writing.issuer(PUBLIC) == given
        assert writing.issuer(PUBLIC + "/") is None
        assert writing.issuers() == [given]
        assert writing.remove_issuer(PUBLIC)
        assert not writing.remove_issuer(PUBLIC)


def test_candidates_are_found_without_case_and_only_of_their_issuer_and_kind(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_publisher(a_publisher("publisher-1", "project-1"))
        found = writing.candidates(PUBLIC, "github", ["octo-org/hello", "elsewhere"])
        assert [(one.id, one.fields["repository"], one.links[0].project) for one in found] == [
            ("publisher-1", "Octo-Org/hello", "Hello")
        ]
        assert writing.candidates(PUBLIC, "gitlab", ["octo-org/hello"]) == []
        assert writing.candidates(PUBLIC + "/", "github", ["octo-org/hello"]) == []
        assert writing.candidates(PUBLIC, "github", []) == []


def test_one_identity_is_registered_once_whatever_its_case_and_ids(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_publisher(a_publisher("publisher-1"))
        writing.add_publisher(a_publisher("publisher-2", environment="release"))
        writing.add_publisher(a_publisher("publisher-3", workflow="Release.yml"))
    with pytest.raises(IntegrityError), store.write() as writing:
        writing.add_publisher(a_publisher("publisher-4", repository="octo-org/HELLO", owner_id="1"))
    with pytest.raises(IntegrityError), store.write() as writing:
        writing.add_publisher(a_publisher("publisher-5", environment="release", repository_id="2"))


def test_ids_are_pinned_once(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_publisher(a_publisher())
        assert writing.pin("publisher-1", {"owner_id": "1", "repository_id": "2"})
        assert writing.pin("publisher-1", {"owner_id": "1"})
        assert not writing.pin("publisher-1", {"owner_id": "3"})
        assert not writing.pin("nobody", {"owner_id": "3"})
        publisher = writing.publisher("publisher-1")
    assert publisher is not None
    assert publisher.fields["owner_id"] == "1"
    assert publisher.fields["repository_id"] == "2"


def test_a_publisher_without_a_project_is_gone_with_its_tokens(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_project(a_project("Other", "project-2"))
        writing.add_publisher(a_publisher("publisher-1", "project-1", "project-2"))
        writing.add_token(TOKEN)
        assert writing.unlink_publisher("publisher-1", "project-2")
        assert not writing.unlink_publisher("publisher-1", "project-2")
        assert writing.token("token-1") == TOKEN
        assert [one.id for one in writing.publishers("HELLO")] == ["publisher-1"]
        assert writing.publishers("other") == []
        assert writing.unlink_publisher("publisher-1", "project-1")
        assert writing.publisher("publisher-1") is None
        assert writing.token("token-1") is None


def test_a_held_name_is_no_project_yet_and_its_owner_no_member(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_user(User(id="user-1", name="Anna", created=1))
        writing.add_project(a_project("My_Hello", pending_until=50))
        writing.add_member("project-1", "user-1")
        before = writing.serial()
        assert writing.projects() == []
        assert writing.project("my.hello") == a_project("My_Hello", pending_until=50)
        assert not writing.is_member("project-1", "user-1")
        assert writing.make_real("project-1", name="my-hello", publisher_id="publisher-1") == []
        assert [one.name for one in writing.projects()] == ["my-hello"]
        assert writing.is_member("project-1", "user-1")
        assert writing.serial() > before
        assert writing.project_by_id("project-1") == dataclasses.replace(
            a_project("My_Hello"), name="my-hello", serial=1
        )


def test_only_a_held_name_can_be_removed_and_takes_its_idle_publishers_along(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project(pending_until=50))
        writing.add_project(a_project("Other", "project-2"))
        writing.add_publisher(a_publisher("publisher-1", "project-1"))
        writing.add_publisher(a_publisher("publisher-2", "project-1", "project-2", environment="release"))
        writing.remove_project("project-1")
        assert writing.project("hello") is None
        assert [one.id for one in writing.publishers()] == ["publisher-2"]
    with pytest.raises(ValueError, match="pending"), store.write() as writing:
        writing.remove_project("project-2")


def test_files_are_found_by_name_and_digest_and_come_back_as_they_were(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        before = writing.project("hello")
        writing.add_file(FILE)
        writing.touch("project-1")
        after = writing.project("hello")
        assert writing.files("project-1") == [FILE]
        assert writing.file(FILE.filename) == writing.file_by_digest("b" * 64) == FILE
        assert writing.file(FILE.filename.upper()) is None
        assert before is not None
        assert after is not None
        assert after.serial > before.serial


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hello-1.0-py2.py3-none-any.whl", "Hello-1.0-py3.py2-none-any.whl"),
        ("he_llo-1.0.tar.gz", "he-llo-1.0.tar.gz"),
    ],
)
def test_another_spelling_is_the_same_file(store: SqlStore, one: str, other: str) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(dataclasses.replace(FILE, filename=one))
        found = writing.file_spelled_like(other)
        assert found is not None
        assert found.filename == one
        assert writing.file(other) is None
    with pytest.raises(VIOLATION), store.write() as writing:
        writing.add_file(dataclasses.replace(FILE, filename=other))


def test_a_build_number_is_not_a_part_of_the_version(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(dataclasses.replace(FILE, filename="hello-1.0-1-py3-none-any.whl"))
        writing.add_file(dataclasses.replace(FILE, filename="hello-1.0.1-py3-none-any.whl"))


def test_a_token_is_burned_once_and_people_hold_only_theirs(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_user(User(id="user-1", name="Anna", created=1))
        writing.add_publisher(a_publisher())
        writing.add_token(TOKEN)
        held = dataclasses.replace(TOKEN, id="token-2", publisher_id=None, user_id="user-1", caveats=((3, "user-1"),))
        writing.add_token(held)
        assert writing.tokens() == [held]
        writing.burn("token-1", 150)
        writing.burn("token-1", 160)
        burned = writing.token("token-1")
        assert burned is not None
        assert burned.burned == 150
        assert writing.user("ANNA") == writing.user_by_id("user-1")


def test_minted_tokens_are_forgotten_after_their_time_and_those_of_people_are_not(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_user(User(id="user-1", name="Anna", created=1))
        writing.add_publisher(a_publisher())
        for name, expires in (("old", 99), ("new", 100)):
            writing.add_token(dataclasses.replace(TOKEN, id=name, expires=expires))
        held = dataclasses.replace(TOKEN, id="held", publisher_id=None, user_id="user-1", expires=50)
        writing.add_token(held)
        assert writing.forget_tokens(100) == 1
        assert writing.token("old") is None
        assert writing.token("new") is not None
        assert writing.tokens() == [held]


def test_events_come_newest_first_and_outlive_what_they_tell_of(store: SqlStore) -> None:
    with store.write() as writing:
        for number in range(5):
            facts = {"number": number}
            writing.add_event(
                Event(at=number + 0.5, kind="tick", project_id=f"p{number % 2}", publisher_id="gone", facts=facts)
            )
        assert [event.facts["number"] for event in writing.events(limit=2)] == [4, 3]
        assert [event.facts["number"] for event in writing.events(project_id="p1")] == [3, 1]


def test_an_identity_token_is_used_once_and_the_first_use_is_told(store: SqlStore) -> None:
    first, elsewhere = a_use(), a_use(issuer="https://other.example", expires=300)
    with store.write() as writing:
        assert writing.claim(first) is None
        assert writing.claim(elsewhere) is None
        assert writing.claim(a_use(token_id="token-2", expires=500, peer="192.0.2.9")) == first


def test_used_identity_tokens_are_forgotten_after_their_time(store: SqlStore) -> None:
    with store.write() as writing:
        writing.claim(a_use())
        writing.claim(a_use(issuer="https://other.example", expires=300))
        assert writing.forget_claims(100) == 0
        assert writing.forget_claims(101) == 1
        assert writing.claim(a_use()) is None
        assert writing.claim(a_use(issuer="https://other.example")) is not None


def test_of_many_who_use_one_identity_token_exactly_one_wins(store: SqlStore) -> None:
    """Over two stores of the same rows, as a server and a command beside it are."""
    beside, ready = a_twin(store), threading.Barrier(16)

    def claim(number: int) -> bool:
        ready.wait()
        return (store if number % 2 else beside).transact(lambda writing: writing.claim(a_use()) is None)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(16))) == 1
    beside.close()


def test_many_threads_read_and_write_at_once(store: SqlStore) -> None:
    def work(number: int) -> None:
        for step in range(10):
            with store.write() as writing:
                writing.set_fact(f"fact-{number}", str(step))
            with store.read() as reading:
                assert reading.fact(f"fact-{number}") == str(step)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))


@pytest.mark.parametrize("use", [SqlStore.revision, SqlStore.upgrade, SqlStore.is_empty])
def test_what_is_no_database_is_told_so(tmp_path: Path, use: Callable[[SqlStore], object]) -> None:
    (tmp_path / "index.db").write_bytes(b"certainly not SQLite " * 100)
    store = SqlStore(tmp_path / "index.db")
    with pytest.raises(Misuse, match="damaged, or is no database"):
        use(store)
    store.close()


def test_a_copy_has_what_was_not_yet_written_back(store: SqlStore, tmp_path: Path) -> None:
    with store.write() as writing:
        writing.set_fact("colour", "red")
    store.copy_to(tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT value FROM facts").fetchall() == [("red",)]
