# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A database of every earlier version is brought to the newest, with all that is in it."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from trustpub.index.adapters.sql import store as sql_store
from trustpub.index.adapters.sql.store import SqlStore, head, knows
from trustpub.index.adapters.sql.tables import metadata
from trustpub.index.kept import Event, Issuer, Member, Project, Use, User
from trustpub.trust.provider import Terms
from trustpub.trust.publishers import Link, Publisher, Rules

from .conftest import PUBLIC

ANNAS = "00000000-0000-0000-0000-000000000001"
HELD = "00000000-0000-0000-0000-000000000003"


def written_by(revision: str, folder: Path) -> SqlStore:
    """The database that this version left, not upgraded yet."""
    with closing(sqlite3.connect(folder / "index.db")) as database:
        database.executescript((Path(__file__).parent / f"written_by_{revision}.sql").read_text())
    store = SqlStore(folder / "index.db")
    assert store.revision() == revision
    return store


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[SqlStore]:
    store = written_by("0001", tmp_path)
    store.upgrade()
    yield store
    store.close()


@pytest.fixture
def with_people(tmp_path: Path) -> Iterator[SqlStore]:
    """What the last version without accounts left."""
    store = written_by("0003", tmp_path)
    store.upgrade()
    yield store
    store.close()


@pytest.mark.parametrize("revision", ["0001", "0003"])
def test_what_an_earlier_version_wrote_has_the_newest_form(revision: str, tmp_path: Path) -> None:
    upgraded = written_by(revision, tmp_path)
    upgraded.upgrade()
    engine = create_engine(f"sqlite:///{upgraded.path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        tables = connection.exec_driver_sql("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").all()
        assert [name for name, strict in tables if not strict and "alembic" not in name and "sqlite" not in name] == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    engine.dispose()
    assert upgraded.revision() == head()
    assert knows(revision)
    upgraded.close()


def test_an_upgrade_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "index.db")) as database:
        database.executescript((Path(__file__).parent / "written_by_0001.sql").read_text())
        database.execute("CREATE TABLE attempts (id TEXT)")
        database.commit()
        before = list(database.iterdump())
    store = SqlStore(tmp_path / "index.db")
    with pytest.raises(Exception, match="attempts"):
        store.upgrade()
    assert store.revision() == "0001"
    store.close()
    with closing(sqlite3.connect(tmp_path / "index.db")) as database:
        assert list(database.iterdump()) == before


def test_issuers_get_the_terms_of_their_kind(upgraded: SqlStore) -> None:
    terms = Terms(max_age=3600, max_lifetime=3600)
    with upgraded.read() as reading:
        assert reading.issuers() == [
            Issuer(
                url="https://ghes.example/_services/token",
                kind="github",
                jwks={"keys": [{"kid": "1", "kty": "RSA"}]},
                ca="PEM",
                terms=terms,
            ),
            Issuer(url=PUBLIC, kind="github", terms=terms),
        ]


def test_publishers_keep_ids_fields_and_projects_and_are_found(upgraded: SqlStore) -> None:
    fields = {
        "repository": "Octo-Org/Hello", "workflow": "Release.yml", "environment": "pypi prod",
        "owner_id": "1", "repository_id": "2",
    }  # fmt: skip
    link = Link(project_id="project-1", project="Lilo_Tools", rules=Rules())
    with upgraded.read() as reading:
        found = {one.id: one for one in reading.candidates(PUBLIC, "github", {"octo-org/hello"})}
        assert found[ANNAS] == Publisher(id=ANNAS, issuer=PUBLIC, kind="github", fields=fields, links=(link,))
        assert len(found) == 2
        assert [one.pin_on_first_use for one in reading.publishers("new-thing")] == [True]
        assert len(reading.publishers()) == 3


@pytest.mark.parametrize("publisher_id", [ANNAS, "00000000-0000-0000-0000-000000000004"])
def test_the_same_identity_cannot_be_registered_beside_an_old_one(upgraded: SqlStore, publisher_id: str) -> None:
    with upgraded.read() as reading:
        old = reading.publisher(publisher_id)
    assert old is not None
    with pytest.raises(IntegrityError), upgraded.write() as writing:
        writing.add_publisher(dataclasses.replace(old, id="new", links=()))


def test_names_that_look_alike_are_found_among_the_old_ones(upgraded: SqlStore) -> None:
    with upgraded.read() as reading:
        alike = reading.project_like("l-i.l_o-t0ols")
        assert alike is not None
        assert alike.normalized in {"1i1o-tools", "lilo-tools"}
        held = reading.project_like("newthing")
        assert held == reading.project_by_id(HELD)
        assert held == Project(
            id=HELD, name="New-Thing", normalized="new-thing", created=1_790_000_000,
            pending_until=1_792_592_000, serial=0, reminded=False,
        )  # fmt: skip


def test_a_note_of_a_used_identity_token_stands(upgraded: SqlStore) -> None:
    again = Use(issuer=PUBLIC, key="jti:1", expires=1, token_id="t", at=1.5, peer="192.0.2.7", body_sha256="d" * 64)
    with upgraded.write() as writing:
        first = writing.claim(again)
    assert first == Use(issuer=PUBLIC, key="jti:1", expires=1_790_000_390, token_id="", at=0.0, peer="", body_sha256="")


def test_tokens_files_people_and_events_are_all_there(upgraded: SqlStore) -> None:
    with upgraded.write() as writing:
        minted = writing.token("token-1")
        assert minted is not None
        assert (minted.publisher_id, minted.single_use, minted.used) == (ANNAS, False, None)
        assert minted.claims == {}
        assert minted.caveats == ((0, 200, 100), (2, ("project-1",)), (4, ANNAS))
        assert writing.spend("token-1", 150)
        assert [(one.id, one.burned) for one in writing.tokens()] == [("token-2", 150)]
        assert [one.filename for one in writing.files("project-1")] == ["lilo_tools-1.0.tar.gz"]
        assert [(one.deleted, one.attested) for one in writing.all_files()] == [(None, False)]
        project = writing.project_by_id("project-1")
        assert project is not None
        assert (project.status, project.trusted_only, project.attestations) == ("active", False, "optional")
        assert writing.is_member("project-1", "user-1")
        assert len(writing.events()) == 4
        assert writing.fact("audience") == "index_example_1234"
        assert writing.serial() == 2
    with closing(sqlite3.connect(upgraded.path)) as program, pytest.raises(sqlite3.IntegrityError, match="never"):
        program.execute("DELETE FROM events")


def test_nobody_is_more_and_nobody_less_than_before_people_signed_in(with_people: SqlStore) -> None:
    with with_people.read() as reading:
        assert reading.users() == [User(id="user-1", name="Ada", created=0)]
        assert reading.memberships("project-1") == [Member(user=reading.users()[0], role="owner")]
        assert reading.login("user-1") is None
        assert [(one.user_id, one.last_used) for one in reading.tokens()] == [("user-1", None)]


def test_old_files_get_the_origin_that_the_log_tells_of(with_people: SqlStore) -> None:
    """Of a publisher that is there, one that is gone, a person, and nobody."""
    with with_people.read() as reading:
        found = {one.filename: one.origin for one in reading.all_files()}
    hello = {
        "publisher": "pub-1", "kind": "github", "issuer": "https://ci.example", "subject": "octo-org/hello",
        "repository": "octo-org/hello", "repository_id": "456789", "repository_owner_id": "123456",
        "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1", "environment": "release",
        "event_name": "push", "ref": "refs/tags/v1", "sha": "f" * 40,
    }  # fmt: skip
    assert found == {
        "hello-0.9.tar.gz": {},
        "hello-1.0.tar.gz": {**hello, "run_id": "77"},
        "hello-1.1.tar.gz": {
            **hello, "publisher": "pub-2", "subject": "octo-org/other", "repository": "octo-org/other",
            "repository_id": "9", "ref": "refs/heads/main", "sha": "a" * 40,
            "job_workflow_ref": "octo-org/other/.github/workflows/release.yml@refs/heads/main",
        },
        "hello-1.2.tar.gz": {"user": "Ada"},
        "hello-1.3.tar.gz": hello,
    }  # fmt: skip


def test_the_log_still_only_grows_and_numbers_go_on(with_people: SqlStore) -> None:
    with with_people.write() as writing:
        before = writing.events()
        writing.add_event(Event(at=1.5, kind="tick", project_id=None, publisher_id=None, facts={}))
        after = writing.events()
    assert after[1:] == before
    assert [one.number for one in after] == list(range(len(after), 0, -1))
    with closing(sqlite3.connect(with_people.path)) as program:
        for statement in (
            "DELETE FROM events",
            "UPDATE events SET kind = 'x'",
            "REPLACE INTO events SELECT * FROM events",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never changed or removed"):
                program.execute(statement)


def test_an_old_attempt_tells_as_much_as_was_kept(with_people: SqlStore) -> None:
    with with_people.read() as reading:
        (attempt,) = reading.attempts(project_id="project-1")
        assert (attempt.proposed, attempt.near) == ({}, ())
        assert attempt.claims["environment"] == "other"
        assert reading.attempt(attempt.id) == attempt


def test_an_upgraded_database_and_a_new_one_are_made_of_the_same_indexes(upgraded: SqlStore, tmp_path: Path) -> None:
    new = SqlStore(tmp_path / "new.db")
    new.upgrade()
    new.close()
    found = []
    for path in (upgraded.path, tmp_path / "new.db"):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name")
            found.append(rows.fetchall())
    assert found[0] == found[1]
    assert any("user_id IS NOT NULL" in str(sql) for _, sql in found[0])


def test_the_names_of_the_migrations_say_what_stands_in_them() -> None:
    """A start reads the names alone, for Alembic takes long to load."""
    config = Config()
    config.set_main_option("script_location", str(Path(sql_store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == head()
    assert all(knows(one.revision) for one in script.walk_revisions())


def test_a_start_with_nothing_to_upgrade_loads_no_alembic(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from trustpub.index.bootstrap.opening import open_folder\n"
        "data = pathlib.Path(sys.argv[1])\n"
        "open_folder(data, create=True, local_url='http://localhost:1').close()\n"
        "print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "data")], capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert [one.stdout.strip() for one in said] == ["True", "False"]
