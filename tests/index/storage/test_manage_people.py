# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Token
from trustpub.index.manage.people import People
from trustpub.index.manage.publishers import Publishers
from trustpub.index.registration import Wanted

from .conftest import NOW, a_project, event_kinds


def test_a_user_is_added_once_whatever_the_case(people: People, store: SqlStore) -> None:
    assert people.add("Anna").name == "Anna"
    with pytest.raises(Declined, match="'Anna' already"):
        people.add("anna")
    assert [one.name for one in people.all()] == ["Anna"]
    assert event_kinds(store) == ["user-added"]


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 51, "ann\n", "änna", "__token__"])
def test_not_every_text_is_a_users_name(people: People, name: str) -> None:
    with pytest.raises(Misuse, match="cannot be a user's name"):
        people.add(name)


def a_token(token_id: str, *, publisher_id: str | None = None, user_id: str | None = None) -> Token:
    return Token(
        id=token_id, key_id="k", location="index.example", publisher_id=publisher_id, user_id=user_id,
        description="token of a person", caveats=(), scope="upload", created=1, expires=None,
    )  # fmt: skip


def test_a_token_that_a_person_holds_is_ended_and_both_are_noted(people: People, store: SqlStore) -> None:
    anna = people.add("Anna")
    with store.write() as writing:
        writing.add_token(a_token("t1", user_id=anna.id))
    people.note_token(a_token("t1", user_id=anna.id))
    assert people.revoke_token("t1").id == "t1"
    with store.read() as reading:
        row = reading.token("t1")
    assert row is not None
    assert row.burned == int(NOW)
    assert event_kinds(store) == ["user-added", "token-created", "token-revoked"]


def test_tob_pypi26_11_an_id_opens_nothing_that_is_not_of_its_kind(
    people: People, publishers: Publishers, store: SqlStore
) -> None:
    fields = {"repository": "o/r", "workflow": "r.yml", "owner_id": "1", "repository_id": "2"}
    registered = publishers.add(Wanted(project="hello", fields=fields, pending=True))
    with store.write() as writing:
        writing.add_token(a_token("minted", publisher_id=registered.publisher.id))
        writing.add_project(a_project("Other", "project-2"))
    # A minted token is the publisher's: it is not ended as if a person held it.
    for unknown in ("minted", "nothing", registered.publisher.id):
        with pytest.raises(Declined, match="no token"):
            people.revoke_token(unknown)
    # A publisher's id changes nothing about projects that are not its own, however they are spelled.
    for project in ("Other", "other", "nowhere"):
        with pytest.raises(Declined, match="not one of project"):
            publishers.remove(registered.publisher.id, project)
    with store.read() as reading:
        row = reading.token("minted")
        assert row is not None
        assert row.burned is None
        assert reading.publisher(registered.publisher.id) == registered.publisher


def test_a_real_project_has_had_a_release(people: People, store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project("Hello"))
        writing.add_project(a_project("Held", "project-2", pending_until=int(NOW) + 60))
    assert people.real_project("hello").id == "project-1"
    assert people.project("held").id == "project-2"
    with pytest.raises(Declined, match="does not exist yet"):
        people.real_project("held")
    with pytest.raises(Declined, match="no project 'x'"):
        people.real_project("x")
