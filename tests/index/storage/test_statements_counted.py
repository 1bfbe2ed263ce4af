# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What pages read takes as many statements on an index of 2,000 projects as on one of three, and no look at all rows.

Nor does what is read of events sort more of them than are asked for.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from trustpub.index.adapters.sql.reading import SqlReading
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.adapters.sql.tables import metadata
from trustpub.index.kept import Event, Issuer, Session, Token, User
from trustpub.index.ports import Reading, Writing

from .conftest import PUBLIC, a_project, a_publisher
from .test_store_life import a_file

MANY = 2000


def stocked(path: Path, projects: int) -> SqlStore:
    """An index of so many projects, each with a publisher and a member; the first has a release for each of them."""
    store = SqlStore(path)
    store.upgrade()

    def fill(writing: Writing) -> None:
        writing.put_issuer(Issuer(url=PUBLIC, kind="github"))
        writing.add_user(User(id="user-1", name="anna", created=1))
        for number in range(projects):
            name = f"project-{number:05}"
            writing.add_project(a_project(name, name))
            writing.add_publisher(a_publisher(f"publisher-{number}", name, repository=f"octo-org/{name}"))
            writing.add_member(name, "user-1")
            file = a_file(f"hello-{number}.0-py3-none-any.whl", float(number), version=f"{number}.0")
            writing.add_file(dataclasses.replace(file, project_id="project-00000", blake2b_256=f"{number:064}"))
            event = Event(at=float(number), kind="seen", project_id=name, publisher_id=None, facts={})
            writing.add_event(event)
            token = Token(
                id=f"token-{number}", key_id="k", location="l", publisher_id=None, user_id="user-1", description="",
                caveats=(), scope="upload", created=number, expires=None,
            )  # fmt: skip
            writing.add_token(token)
            session = Session(
                id=f"session-{number}", user_id="user-1", created=1, expires=2, seen=number, confirmed=1,
                complete=True, peer="", agent="",
            )  # fmt: skip
            writing.add_session(session)

    store.transact(fill)
    return store


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with closing(stocked(tmp_path_factory.mktemp("small") / "index.db", 3)) as store:
        yield store


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with closing(stocked(tmp_path_factory.mktemp("large") / "index.db", MANY)) as store:
        yield store


def statements(store: SqlStore, read: Callable[[Reading], Any]) -> list[str]:
    """Those that SQLite was given."""
    seen: list[str] = []
    with store.read() as reading:
        assert isinstance(reading, SqlReading)
        reading._driver.set_trace_callback(seen.append)
        try:
            read(reading)
        finally:
            reading._driver.set_trace_callback(None)
    return seen


def a_search(reading: Reading) -> None:
    found = reading.search("project", limit=50)
    assert len(found) >= 3
    publishers = reading.publishers_by_project([one.id for one in found])
    assert all(len(publishers[one.id]) == 1 for one in found)


def a_project_page(reading: Reading) -> None:
    project = reading.project("project-00000")
    assert project is not None
    assert len(reading.files(project.id)) >= 3
    reading.releases(project.id)
    reading.attested(project.id)
    reading.publishers_by_project([project.id])
    reading.memberships(project.id)
    reading.role(project.id, "user-1")
    reading.events(project_id=project.id, limit=20)
    reading.attempts(project_id=project.id, limit=20)


def an_account(reading: Reading) -> None:
    reading.session("session-1")
    reading.user_by_id("user-1")
    assert len(reading.sessions("user-1")) >= 3
    assert len(reading.tokens_of("user-1")) >= 3
    found = reading.projects_of("user-1")
    assert len(found) >= 3
    reading.publishers_by_project([project.id for project, _ in found])


def the_index(reading: Reading) -> None:
    assert len(reading.publishers()) >= 3
    assert len(reading.projects()) >= 3
    assert len(reading.users()) == 1
    reading.events(kinds=["seen", "other"], limit=50)
    reading.counts(["seen", "other"], since=0)
    reading.invitations()
    reading.letters(1)


@pytest.mark.parametrize(("read", "most"), [(a_search, 2), (a_project_page, 9), (an_account, 6), (the_index, 7)])
def test_a_page_takes_as_many_statements_whatever_the_size_of_the_index(
    read: Callable[[Reading], None], most: int, small: SqlStore, large: SqlStore
) -> None:
    few, many = statements(small, read), statements(large, read)
    assert len(few) == len(many) == most


def plan(store: SqlStore, read: Callable[[Reading], Any]) -> list[str]:
    """How SQLite goes about what it is asked."""
    asked = statements(store, read)
    with closing(sqlite3.connect(store.path)) as program:
        return [str(row[3]) for one in asked for row in program.execute(f"EXPLAIN QUERY PLAN {one}")]


@pytest.mark.parametrize(
    "read",
    [
        lambda reading: reading.events(kinds=["seen"], limit=20),
        lambda reading: reading.events(kinds=["seen", "other"], before=1000, limit=20),
        lambda reading: reading.events(project_id="project-00000", kinds=["seen", "other"], limit=20),
        lambda reading: reading.projects_of("user-1"),
        lambda reading: reading.memberships("project-00000"),
        lambda reading: reading.sessions("user-1"),
        lambda reading: reading.tokens_of("user-1"),
        lambda reading: reading.publishers_by_project(["project-00000"]),
        lambda reading: reading.letters(1),
        lambda reading: reading.counts(["seen"], since=0),
    ],
)
def test_nothing_is_looked_for_among_all_rows(read: Callable[[Reading], Any], large: SqlStore) -> None:
    steps: Sequence[str] = plan(large, read)
    assert steps
    through = {step.split()[1] for step in steps if step.startswith("SCAN ") and "INDEX" not in step}
    assert through.isdisjoint(metadata.tables), steps


def test_the_log_is_read_along_its_numbers_and_no_further_than_asked(large: SqlStore) -> None:
    """The newest of all are found by going backwards; SQLite calls that a scan, and it ends after so many."""
    assert plan(large, lambda reading: reading.events(limit=20)) == ["SCAN events"]
    for asked in ({"project_id": "project-00000"}, {"project_id": "project-00000", "kinds": ["seen", "other"]}):
        (step,) = plan(large, lambda reading, asked=asked: reading.events(**asked, limit=20))  # type: ignore[misc]
        assert step == "SEARCH events USING INDEX ix_events_project_id (project_id=?)"
    steps = plan(large, lambda reading: reading.events(kinds=["seen", "other"], before=1000, limit=20))
    assert steps.count("SEARCH events USING COVERING INDEX ix_events_kind_id_at (kind=? AND id<?)") == 2, steps
    assert not [step for step in steps if "ORDER BY" in step], steps


def test_the_newest_of_a_rare_kind_is_found_at_once_among_very_many_events(store: SqlStore) -> None:
    def fill(writing: Writing) -> None:
        writing.add_event(Event(at=0.5, kind="rare", project_id=None, publisher_id=None, facts={}))
        for number in range(60_000):
            writing.add_event(Event(at=number + 1.5, kind="often", project_id=None, publisher_id=None, facts={}))

    store.transact(fill)
    with store.read() as reading:
        reading.events(kinds=["rare"])
        began = time.perf_counter()
        assert [one.number for one in reading.events(kinds=["rare"])] == [1]
        rare = time.perf_counter() - began
        began = time.perf_counter()
        assert sum(reading.counts(["often"], since=0).values()) == 60_000
        assert rare < (time.perf_counter() - began)
