# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the store keeps of a project's life: statuses, policies, yanked and deleted files, provenance, events."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.exc import IntegrityError

from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import ACTIVE, ARCHIVED, DEPRECATED, QUARANTINED, Event, File, Project, Provenance
from trustpub.index.ports import Reading

from .both import VIOLATION, on_both, on_sqlite_only  # noqa: F401 - a fixture
from .conftest import a_project

WHEEL = "hello-1.0-py3-none-any.whl"
PROVENANCE = Provenance(filename=WHEEL, document='{"version": 1}', everything='{"version": 1, "more": true}')


def a_file(filename: str = WHEEL, uploaded: float = 1.5, **changes: str | int | bool | None) -> File:
    file = File(
        project_id="project-1", filename=filename, version="1.0", filetype="bdist_wheel", size=3, sha256="a" * 64,
        blake2b_256="b" * 64, md5=None, metadata_sha256=None, requires_python=None, uploaded=uploaded, token_id="t",
    )  # fmt: skip
    return dataclasses.replace(file, **changes)  # type: ignore[arg-type]


@pytest.fixture
def stocked(store: SqlStore) -> SqlStore:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(a_file(attested=True), PROVENANCE)
        writing.add_file(a_file("hello-1.0.tar.gz", 0.5, blake2b_256="c" * 64))
    return store


def the_project(reading: Reading) -> Project:
    project = reading.project("hello")
    assert project is not None
    return project


def test_a_new_project_is_active_and_asks_for_nothing(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        project = the_project(writing)
    assert (project.status, project.status_reason, project.trusted_only, project.attestations) == (
        "active", "", False, "optional",
    )  # fmt: skip


def test_a_project_keeps_its_status_and_its_policy(stocked: SqlStore) -> None:
    with stocked.write() as writing:
        before = the_project(writing)
        writing.set_status("project-1", "quarantined", "looks odd")
        writing.set_policy("project-1", trusted_only=True, attestations="once")
        after = the_project(writing)
        assert after == dataclasses.replace(
            before, status="quarantined", status_reason="looks odd", trusted_only=True, attestations="once",
            serial=after.serial,
        )  # fmt: skip
        assert after.serial > before.serial
        assert writing.projects() == [after]


def test_a_file_is_yanked_with_a_reason_or_without_one_and_offered_again(stocked: SqlStore) -> None:
    with stocked.write() as writing:
        serials = [the_project(writing).serial]
        for reason in ("broken", "", None):
            writing.yank(WHEEL, reason)
            file = writing.file(WHEEL)
            assert file is not None
            assert file.yanked == reason
            serials.append(the_project(writing).serial)
        assert serials == sorted(set(serials))
        assert [one.yanked for one in writing.files("project-1")] == [None, None]


def test_a_deleted_file_leaves_its_name_and_nothing_to_serve(stocked: SqlStore) -> None:
    with stocked.write() as writing:
        before = the_project(writing).serial
        writing.bury(WHEEL, 100)
        assert the_project(writing).serial > before
        assert [one.filename for one in writing.files("project-1")] == ["hello-1.0.tar.gz"]
        assert writing.file_by_digest("b" * 64) is None
        assert writing.provenance(WHEEL) is None
        for found in (writing.file(WHEEL), writing.file_spelled_like("HELLO-1.0-py3-none-any.whl")):
            assert found == a_file(attested=True, deleted=100)
        assert [(one.filename, one.deleted) for one in writing.all_files()] == [
            (WHEEL, 100),
            ("hello-1.0.tar.gz", None),
        ]
    with pytest.raises(VIOLATION), stocked.write() as writing:
        writing.add_file(a_file())


def test_files_in_quarantine_are_there_and_not_served(stocked: SqlStore) -> None:
    with stocked.write() as writing:
        writing.bury("hello-1.0.tar.gz", 100)
        writing.add_project(a_project("Other", "project-2"))
        other = a_file("other-1.0.tar.gz", project_id="project-2", blake2b_256="d" * 64)
        writing.add_file(other)
        writing.set_status("project-1", QUARANTINED, "")
        assert writing.files("project-1") == []
        assert writing.file_by_digest("b" * 64) is None
        assert [one.filename for one in writing.files("project-1", hidden=True)] == ["hello-1.0.tar.gz", WHEEL]
        assert writing.files("project-2") == [writing.file_by_digest("d" * 64)] == [other]
        for status in (ARCHIVED, DEPRECATED, ACTIVE):
            writing.set_status("project-1", status, "")
            assert [one.filename for one in writing.files("project-1")] == [WHEEL]
            assert writing.file_by_digest("b" * 64) == a_file(attested=True)


def test_a_deleted_file_is_not_deleted_or_yanked_again(stocked: SqlStore) -> None:
    with stocked.write() as writing:
        writing.bury(WHEEL, 100)
        writing.bury(WHEEL, 200)
        writing.yank(WHEEL, "late")
        assert writing.file(WHEEL) == a_file(attested=True, deleted=100)


def test_all_files_are_walked_by_name_however_many(store: SqlStore) -> None:
    names = [f"hello-1.{number:04}.tar.gz" for number in range(2500)]
    with store.write() as writing:
        writing.add_project(a_project())
        for name in reversed(names):
            writing.add_file(a_file(name))
    with store.read() as reading:
        walk = reading.all_files()
        assert next(walk) == a_file(names[0])
        assert reading.file(names[7]) == a_file(names[7])
        assert [one.filename for one in walk] == names[1:]


def test_provenance_comes_back_as_it_was_and_only_of_its_file(stocked: SqlStore) -> None:
    with stocked.read() as reading:
        assert reading.provenance(WHEEL) == PROVENANCE
        assert reading.provenance("hello-1.0.tar.gz") is None
    with pytest.raises(IntegrityError), stocked.write() as writing:
        writing.add_file(a_file("other-1.0.tar.gz"), PROVENANCE)
    with stocked.read() as reading:
        assert reading.file("other-1.0.tar.gz") is None


@on_sqlite_only
@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE events SET facts = '{}'",
        "UPDATE OR REPLACE events SET id = 1 WHERE id = 2",
        "UPDATE events SET kind = 'nothing' WHERE id = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE id = 1",
        "INSERT OR REPLACE INTO events (id, at, kind, facts) VALUES (1, 0.5, 'nothing', '{}')",
        "REPLACE INTO events (id, at, kind, facts) VALUES (1, 0.5, 'nothing', '{}')",
        "INSERT INTO events (id, at, kind, facts) VALUES (1, 0.5, 'x', '{}') ON CONFLICT (id) DO UPDATE SET kind = 'y'",
    ],
)
def test_nobody_changes_or_removes_an_event_by_whatever_program(store: SqlStore, attempt: str) -> None:
    told = [Event(at=number + 0.5, kind="tick", project_id="p", publisher_id=None, facts={}) for number in range(2)]
    with store.write() as writing:
        for event in told:
            writing.add_event(event)
    with closing(sqlite3.connect(store.path)) as program:
        with pytest.raises(sqlite3.IntegrityError, match="events are never changed or removed"):
            program.execute(attempt)
        program.rollback()
    with store.write() as writing:
        writing.add_event(told[0])
        assert list(reversed(writing.events())) == [
            dataclasses.replace(event, number=number) for number, event in enumerate([*told, told[0]], 1)
        ]
