# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The one way to change an event, and to free the names of files, in either database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import text

from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.adapters.sql.writing import SqlWriting
from trustpub.index.kept import Event
from trustpub.index.manage.people import People
from trustpub.index.manage.purging import without

from .both import VIOLATION, on_both  # noqa: F401 - a fixture
from .conftest import a_project


def test_events_are_rewritten_where_they_tell_of_a_person_and_nowhere_else(store: SqlStore, people: People) -> None:
    ada, eve = replace(people.add("ada"), email="Ada@example.org"), people.add("eve")
    told: list[dict[str, Any]] = [
        {"user": "Ada", "peer": "192.0.2.7", "agent": "x"},
        {"user": "eve", "peer": "192.0.2.8", "by": {"id": ada.id, "name": "ada"}},
        {"user": "eve", "peer": "192.0.2.9"},
        {"project": "ada", "said": "to ada@example.org", "description": "upload token of ada for adagio"},
    ]
    with store.write() as writing:
        for facts in told:
            writing.add_event(Event(at=1.0, kind="told", project_id=None, publisher_id=None, facts=facts))
    with store.write() as writing:
        said = (ada.name, ada.id, ada.email)
        assert writing.rewrite(said, lambda facts: without(facts, ada, "nobody")) == 4
    with store.read() as reading:
        found = [one.facts for one in reading.events(limit=10)][::-1]
    assert found[0] == {"user": "nobody"}  # that the account was made
    assert found[1] == {"user": eve.name}
    assert found[2:] == [
        {"user": "nobody"},
        {"user": "eve", "by": {"id": "nobody", "name": "nobody"}},
        {"user": "eve", "peer": "192.0.2.9"},
        {"project": "ada", "said": "to nobody", "description": "upload token of nobody for adagio"},
    ]
    with pytest.raises(VIOLATION), store.write() as writing:
        cast(SqlWriting, writing)._connection.execute(text("UPDATE events SET kind = 'x'"))


def test_a_project_without_its_files_can_be_removed(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.remove_files("project-1")
        writing.remove_project("project-1")
    with store.read() as reading:
        assert reading.project("hello") is None
