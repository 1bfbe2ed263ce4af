# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which names are taken for new projects, and what time does to those that are held (security: B9 to B11)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Attempt, Token
from trustpub.index.manage.housekeeping import ATTEMPT_MEMORY_SECONDS, Kept, keep_house
from trustpub.index.manage.names import Names
from trustpub.index.manage.publishers import Publishers
from trustpub.index.names import fault
from trustpub.index.registration import Wanted
from trustpub.packages.names import look_alike, normalize
from trustpub.packages.stdlib import MODULES

from .conftest import NOW, SetClock, a_project, event_kinds

DAY = 86_400
WANTED = Wanted(
    project="Hello",
    fields={"repository": "o/hello", "workflow": "release.yml", "owner_id": "1", "repository_id": "2"},
    pending=True,
)


def called(project: str, **changes: Any) -> Wanted:
    return dataclasses.replace(WANTED, project=project, **changes)


def by(repository: str, project: str = "Hello") -> Wanted:
    return called(project, fields={**WANTED.fields, "repository": repository})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hello", "he11o"),
        ("hello", "HELLO"),
        ("hello", "hell0"),
        ("foo-bar", "foobar"),
        ("foo.bar", "foo_bar"),
        ("li1", "1iI"),
        ("o0", "0o"),
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert look_alike(one) == look_alike(other)


@pytest.mark.parametrize(("one", "other"), [("hello", "hallo"), ("a1", "a2"), ("rn", "m"), ("foo", "foo2")])
def test_names_that_do_not(one: str, other: str) -> None:
    assert look_alike(one) != look_alike(other)


@given(st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9._-]{0,12}[a-zA-Z0-9])?", fullmatch=True))
def test_a_name_looks_like_every_spelling_of_itself(name: str) -> None:
    assert look_alike(name) == look_alike(normalize(name)) == look_alike(name.upper())
    assert look_alike(look_alike(name)) == look_alike(name)


def test_the_list_of_the_standard_library_is_in_normal_form_and_whole() -> None:
    assert all(name == normalize(name) for name in MODULES)
    old = {"urllib2", "cpickle", "stringio", "configparser", "tkinter", "distutils", "asynchat"}
    new = {"tomllib", "zoneinfo", "graphlib", "annotationlib", "compression", "py-compile", "copy-reg"}
    assert old | new <= MODULES
    assert not MODULES & {"requests", "setuptools", "pip", "attrs"}


@pytest.mark.parametrize("name", ["os", "OS", "json", "py.compile", "ConfigParser", "urllib2", "annotationlib"])
def test_names_of_the_standard_library_are_nobodys(publishers: Publishers, name: str) -> None:
    with pytest.raises(Declined, match="standard library"):
        publishers.add(called(name))
    assert publishers.all() == []


def test_a_prohibited_name_is_refused_in_every_spelling_until_it_is_permitted(
    publishers: Publishers, names: Names, store: SqlStore
) -> None:
    assert names.prohibit("In-House", "kept for ourselves") is None
    with pytest.raises(Declined, match="already"):
        names.prohibit("in.house", "kept for ourselves")
    for spelling in ("in-house", "IN_HOUSE", "in.house"):
        with pytest.raises(Declined, match="prohibited here: kept for ourselves"):
            publishers.add(called(spelling))
    assert names.prohibited() == [("in-house", "kept for ourselves")]
    names.permit("IN.HOUSE")
    with pytest.raises(Declined, match="not prohibited"):
        names.permit("in-house")
    assert publishers.add(called("in-house")).new
    assert event_kinds(store)[:2] == ["name-prohibited", "name-permitted"]


def test_a_name_that_is_held_and_then_prohibited_takes_no_further_publisher(
    publishers: Publishers, names: Names
) -> None:
    first = publishers.add(WANTED)
    project = names.prohibit("hello")
    assert project is not None
    assert project.id == first.project.id
    with pytest.raises(Declined, match="prohibited here"):
        publishers.add(by("o/other"))


@pytest.mark.parametrize("name", ["", "a b", "-x"])
def test_only_names_that_could_be_are_prohibited(names: Names, name: str) -> None:
    with pytest.raises(Misuse):
        names.prohibit(name)
    with pytest.raises(Misuse, match="reason"):
        names.prohibit("hello", "x" * 201)


def test_a_name_that_looks_like_a_project_is_refused_naming_it(publishers: Publishers, store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project("real-one"))
    with pytest.raises(Declined, match="looks like the project 'real-one'"):
        publishers.add(called("rea1one"))


def test_a_name_that_looks_like_a_held_one_is_refused_until_its_time_is_up(
    publishers: Publishers, clock: SetClock
) -> None:
    publishers.add(WANTED)
    with pytest.raises(Declined, match="looks like the held name 'Hello'"):
        publishers.add(called("he11o"))
    clock.now += 30 * DAY
    assert publishers.add(called("he11o")).new
    with pytest.raises(Declined, match="looks like the held name 'he11o'"):
        publishers.add(WANTED)


def test_a_project_that_exists_is_asked_nothing_about_its_name(publishers: Publishers, store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project("json"))
    assert publishers.add(called("json", pending=False)).new


def test_another_publisher_may_wait_for_the_same_name(publishers: Publishers) -> None:
    first = publishers.add(WANTED)
    second = publishers.add(by("o/other"))
    assert second.project.id == first.project.id


def test_days_can_be_given_for_a_name_or_for_the_index(publishers: Publishers, names: Names, store: SqlStore) -> None:
    assert names.hold_days() == 30
    assert publishers.add(called("one", hold_days=3)).project.pending_until == int(NOW) + 3 * DAY
    names.set_hold_days(7)
    assert names.hold_days() == 7
    assert publishers.add(called("two")).project.pending_until == int(NOW) + 7 * DAY
    # Who comes second does not prolong it.
    assert publishers.add(by("o/x", "one")).project.pending_until == int(NOW) + 3 * DAY
    assert "hold-days-set" in event_kinds(store)
    for days in (0, -1, 366):
        with pytest.raises(Misuse, match="1 to 365"):
            names.set_hold_days(days)
        with pytest.raises(Misuse, match="1 to 365"):
            publishers.add(called("three", hold_days=days))


def test_five_days_before_the_end_it_is_said_once(publishers: Publishers, store: SqlStore, clock: SetClock) -> None:
    registered = publishers.add(WANTED)
    clock.now += 25 * DAY - 1
    assert keep_house(store, clock) == Kept()
    clock.now += 1
    assert keep_house(store, clock) == Kept(reminded=("Hello",))
    assert keep_house(store, clock) == Kept()
    with store.read() as reading:
        event = reading.events(limit=1)[0]
    assert event.kind == "name-nearly-up"
    assert event.project_id == registered.project.id
    assert event.facts == {
        "project": "Hello",
        "until": int(NOW) + 30 * DAY,
        "publishers": [registered.publisher.id],
    }


def test_at_the_end_the_name_is_free_and_everything_that_hung_on_it_is_gone(
    publishers: Publishers, store: SqlStore, clock: SetClock
) -> None:
    publishers.add(WANTED)
    kept = publishers.add(by("o/other", "Kept"))
    publishers.add(by("o/other", "Hello"))
    with store.write() as writing:
        writing.make_real(kept.project.id, name="Kept", publisher_id=kept.publisher.id)
    clock.now += 30 * DAY - 1
    assert keep_house(store, clock).freed == ()
    clock.now += 1
    assert keep_house(store, clock).freed == ("Hello",)
    (left,) = publishers.all()
    assert [link.project for link in left.links] == ["Kept"]
    with store.read() as reading:
        assert reading.project("hello") is None
    assert event_kinds(store)[-3:] == ["publisher-removed", "publisher-removed", "project-freed"]
    assert keep_house(store, clock) == Kept()


def test_a_project_that_became_real_is_not_reminded_of_and_stays(
    publishers: Publishers, store: SqlStore, clock: SetClock
) -> None:
    registered = publishers.add(WANTED)
    with store.write() as writing:
        writing.make_real(registered.project.id, name="Hello", publisher_id=registered.publisher.id)
    clock.now += 365 * DAY
    assert keep_house(store, clock) == Kept()
    assert publishers.all("hello") == [publishers.get(registered.publisher.id)]


def test_who_lost_the_race_is_forgotten_once_its_tokens_are(
    publishers: Publishers, store: SqlStore, clock: SetClock
) -> None:
    first = publishers.add(WANTED)
    second = publishers.add(by("o/other"))
    token = Token(
        id="t", key_id="k", location="x", publisher_id=second.publisher.id, user_id=None, description="minted",
        caveats=(), scope="upload", created=int(NOW), expires=int(NOW) + 900,
    )  # fmt: skip
    with store.write() as writing:
        writing.add_token(token)
        writing.make_real(first.project.id, name="Hello", publisher_id=first.publisher.id)
    keep_house(store, clock)
    assert publishers.get(second.publisher.id).links == ()
    clock.now += 900 + DAY + 1
    keep_house(store, clock)
    assert [one.id for one in publishers.all()] == [first.publisher.id]


def test_refused_identities_are_forgotten_after_ninety_days(store: SqlStore, clock: SetClock) -> None:
    attempt = Attempt(
        id="a", project_id=None, issuer="https://ci.example", kind="generic", digest="d", claims={}, reasons=["no"],
        first=NOW, last=NOW, count=1, peer="192.0.2.1",
    )  # fmt: skip
    with store.write() as writing:
        writing.note_attempt(attempt, most=10)
    clock.now += ATTEMPT_MEMORY_SECONDS
    keep_house(store, clock)
    with store.read() as reading:
        assert len(reading.attempts(project_id=None)) == 1
    clock.now += 1
    keep_house(store, clock)
    with store.read() as reading:
        assert reading.attempts(project_id=None) == []


def test_the_same_rules_are_for_names_that_an_upload_would_make(names: Names, store: SqlStore) -> None:
    names.prohibit("secret-thing")
    with store.write() as writing:
        writing.add_project(a_project("real-one"))
    with store.read() as reading:
        assert fault(reading, "fresh", int(NOW)) is None
        for name in ("os", "Secret.Thing", "rea1one", "-x", ""):
            sentence = fault(reading, name, int(NOW))
            assert sentence is not None
            assert sentence.endswith(".")
