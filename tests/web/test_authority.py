# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the one table, judged by a second one that was written by hand, and the door that asks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trustpub.index.accounts.acting import NotAllowed, NotHere, SignInFirst
from trustpub.index.accounts.authority import (
    CONFIRMED,
    MANAGE_SCOPE,
    READ_SCOPE,
    SCOPES,
    SESSION,
    SESSION_ONLY,
    TOKEN,
    UPLOAD_SCOPE,
    WHO,
    Action,
    Actor,
    may,
)
from trustpub.index.kept import MAINTAINER, OWNER, Project, User
from trustpub.index.manage.behalf import by, on_behalf_of

from .door import Door

REAL = Project(id="p1", name="Sample", normalized="sample", created=0, pending_until=None, serial=1)
HELD = replace(REAL, pending_until=10**10)
PERSON = User(id="u1", name="ada", created=0)
ROOT = replace(PERSON, administrator=True)

# By action: a visitor, a person, a maintainer, an owner, an administrator, an administrator who owns it.
TABLE = {
    "project.read": "yyyyyy",
    "project.manage": "nnyyyy",
    "project.upload": "nnyyny",
    "project.yank": "nnyyyy",
    "project.delete": "nnnyyy",
    "project.archive": "nnnyyy",
    "project.quarantine": "nnnnyy",
    "project.policy": "nnnyyy",
    "project.members.read": "nnyyyy",
    "project.members": "nnnyyy",
    "project.publishers.read": "nnyyyy",
    "project.publishers.change": "nnnyyy",
    "project.audit": "nnyyyy",
    "account.read": "nyyyyy",
    "account.change": "nyyyyy",
    "account.tokens.read": "nyyyyy",
    "account.tokens": "nyyyyy",
    "account.pending.read": "nyyyyy",
    "account.pending": "nyyyyy",
    "index.read": "yyyyyy",
    "index.users": "nnnnyy",
    "index.issuers": "nnnnyy",
    "index.projects": "nnnnyy",
    "index.publishers": "nnnnyy",
    "index.names": "nnnnyy",
    "index.switches": "nnnnyy",
    "index.audit": "nnnnyy",
    "index.apply": "nnnnyy",
}


def actors() -> list[tuple[Actor | None, str | None]]:
    person, root = Actor(user=PERSON, how=SESSION), Actor(user=ROOT, how=SESSION)
    return [(None, None), (person, None), (person, MAINTAINER), (person, OWNER), (root, None), (root, OWNER)]


def about(action: Action, project: Project = REAL) -> Project | None:
    return project if action.startswith("project.") else None


def test_every_action_is_in_the_table_and_nothing_else_is() -> None:
    assert set(WHO) == set(Action)
    assert set(TABLE) == {str(one) for one in Action}


@pytest.mark.parametrize("action", list(Action))
def test_each_may_what_the_table_says(action: Action) -> None:
    told = "".join("y" if may(actor, action, about(action), role) else "n" for actor, role in actors())
    assert told == TABLE[action]


@pytest.mark.parametrize("action", [one for one in Action if one.startswith("project.")])
def test_a_name_that_is_held_is_only_for_those_who_hold_it(action: Action) -> None:
    told = "".join("y" if may(actor, action, HELD, role) else "n" for actor, role in actors())
    expected = "nnyyyy" if action is Action.PROJECT_READ else TABLE[action]
    assert told == expected


@pytest.mark.parametrize("action", list(Action))
def test_who_is_suspended_may_nothing(action: Action) -> None:
    for user in (PERSON, ROOT):
        actor = Actor(user=replace(user, suspended=1), how=SESSION)
        assert not may(actor, action, about(action), OWNER)


@pytest.mark.parametrize("action", list(Action))
def test_a_private_index_shows_nothing_to_those_who_are_nobody(action: Action) -> None:
    assert not may(None, action, about(action), private=True)


@pytest.mark.parametrize("action", list(Action))
def test_a_token_may_at_most_what_its_person_may(action: Action) -> None:
    for user, role in [(PERSON, None), (PERSON, MAINTAINER), (PERSON, OWNER), (ROOT, None), (ROOT, OWNER)]:
        for scope in (*SCOPES, None, "", "everything"):
            actor = Actor(user=user, how=TOKEN, scope=scope)
            if may(actor, action, about(action), role):
                assert may(Actor(user=user, how=SESSION), action, about(action), role)


def allowed(scope: str, projects: frozenset[str] | None = None) -> set[Action]:
    actor = Actor(user=ROOT, how=TOKEN, scope=scope, projects=projects)
    return {one for one in Action if may(actor, one, about(one), OWNER)}


def test_what_tokens_of_each_scope_are_good_for() -> None:
    reads = {Action.PROJECT_READ, Action.INDEX_READ}
    assert allowed(READ_SCOPE) == reads
    assert allowed(UPLOAD_SCOPE) == reads | {Action.PROJECT_UPLOAD}
    assert allowed(MANAGE_SCOPE) == set(Action) - SESSION_ONLY - {Action.PROJECT_UPLOAD}
    assert allowed("") == allowed("other") == set()


def test_a_token_for_some_projects_is_good_for_nothing_else() -> None:
    assert all(one.startswith("project.") for one in allowed(MANAGE_SCOPE, frozenset({"p1"})))
    assert allowed(MANAGE_SCOPE, frozenset({"p1"}))
    assert allowed(MANAGE_SCOPE, frozenset({"p2"})) == set()
    assert allowed(MANAGE_SCOPE, frozenset()) == set()


def test_an_action_on_a_project_needs_one_and_others_take_none() -> None:
    root = Actor(user=ROOT, how=SESSION)
    for action in Action:
        assert not may(root, action, None if action.startswith("project.") else REAL, OWNER)


def test_what_gives_power_away_or_destroys_asks_for_a_proof() -> None:
    assert {
        Action.PROJECT_DELETE,
        Action.PROJECT_MEMBERS,
        Action.PROJECT_PUBLISHERS_CHANGE,
        Action.ACCOUNT_CHANGE,
        Action.ACCOUNT_TOKENS,
        Action.INDEX_USERS,
        Action.INDEX_ISSUERS,
        Action.INDEX_SWITCHES,
    } <= CONFIRMED


def test_what_there_is_not_and_what_one_may_not_read_is_one_answer(door: Door) -> None:
    ada, cy = door.person("ada"), door.person("cy")
    door.project("held", ada, pending=True)
    acting, actor = door.site.acting, Actor(user=cy, how=SESSION)
    for name in ("held", "nothing", "", "../x", "a" * 300):
        for action in (Action.PROJECT_READ, Action.PROJECT_DELETE, Action.PROJECT_AUDIT):
            with pytest.raises(NotHere), acting.project(actor, action, name):
                pytest.fail("let through")


def test_what_one_may_read_and_not_change_says_so(door: Door) -> None:
    ada, cy = door.person("ada"), door.person("cy")
    door.project("sample", ada)
    with door.site.acting.project(Actor(user=ada, how=SESSION), Action.PROJECT_DELETE, "SAMPLE") as granted:
        assert (granted.role, granted.project.name) == ("owner", "sample")
        assert granted.may(Action.PROJECT_POLICY)
        assert not granted.may(Action.PROJECT_QUARANTINE)
    with (
        pytest.raises(NotAllowed),
        door.site.acting.project(Actor(user=cy, how=SESSION), Action.PROJECT_DELETE, "sample"),
    ):
        pytest.fail("let through")
    with door.site.acting.project(None, Action.PROJECT_READ, "sample"):
        assert by() is None
    for name in ("sample", "nothing"):
        with pytest.raises(SignInFirst), door.site.acting.project(None, Action.PROJECT_DELETE, name):
            pytest.fail("let through")


def test_the_index_is_for_its_administrators(door: Door) -> None:
    ada, root = door.person("ada"), door.person("root", administrator=True)
    acting = door.site.acting
    with acting.index(Actor(user=root, how=SESSION), Action.INDEX_USERS):
        assert by() == {"id": root.id, "name": "root"}
    assert by() is None
    with pytest.raises(NotHere), acting.index(Actor(user=ada, how=SESSION), Action.INDEX_USERS):
        pytest.fail("let through")
    with pytest.raises(NotAllowed), acting.index(Actor(user=root, how=TOKEN, scope=READ_SCOPE), Action.INDEX_USERS):
        pytest.fail("let through")
    with pytest.raises(SignInFirst), acting.index(None, Action.INDEX_USERS):
        pytest.fail("let through")


def test_what_is_found_by_an_id_from_outside_must_be_of_the_project(door: Door) -> None:
    ada = door.person("ada")
    door.project("sample", ada)
    actor = Actor(user=ada, how=SESSION)
    with door.site.acting.project(actor, Action.PROJECT_PUBLISHERS_READ, "sample") as granted, pytest.raises(NotHere):
        granted.owns(None)


def test_who_acts_is_named_in_every_event_and_only_there(door: Door) -> None:
    ada = door.person("ada")
    with on_behalf_of(ada):
        door.folder.people.set_email("ada", "ada@example.org")
        with on_behalf_of(None):
            door.folder.people.set_email("ada", "")
    facts = [one.facts for one in door.events("email-changed")]
    assert facts == [{"user": "ada"}, {"user": "ada", "by": {"id": ada.id, "name": "ada"}}]
