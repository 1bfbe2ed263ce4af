# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the store keeps of people: accounts, roles, proofs of who somebody is, sessions, invitations and letters."""

from __future__ import annotations

import dataclasses
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import (
    MAINTAINER,
    OWNER,
    Event,
    File,
    Invitation,
    Letter,
    Login,
    Member,
    Session,
    Token,
    User,
)
from trustpub.index.manage.housekeeping import keep_house
from trustpub.index.ports import Writing
from trustpub.trust.publishers import Link

from .both import on_both, on_sqlite_only  # noqa: F401 - a fixture
from .conftest import NOW, SetClock, a_project, a_publisher

ANNA = User(id="user-1", name="Anna", created=1, email="anna@example.org", administrator=True)
BEN = User(id="user-2", name="ben", created=2)


def a_session(session_id: str = "session-1", user_id: str = "user-1", **changes: Any) -> Session:
    session = Session(
        id=session_id, user_id=user_id, created=10, expires=1000, seen=20, confirmed=10, complete=True,
        peer="192.0.2.7", agent="A browser/1.0",
    )  # fmt: skip
    return dataclasses.replace(session, **changes)


def an_invitation(invitation_id: str = "invitation-1", **changes: Any) -> Invitation:
    invitation = Invitation(
        id=invitation_id, email="new@example.org", administrator=False, user_id=None, by="user-1", created=10,
        expires=100,
    )  # fmt: skip
    return dataclasses.replace(invitation, **changes)


def a_token(token_id: str, **changes: Any) -> Token:
    token = Token(
        id=token_id, key_id="key-1", location="index.example", publisher_id=None, user_id="user-1",
        description="upload token of Anna", caveats=((3, "user-1"),), scope="upload", created=100, expires=None,
    )  # fmt: skip
    return dataclasses.replace(token, **changes)


@pytest.fixture
def peopled(store: SqlStore) -> SqlStore:
    with store.write() as writing:
        writing.add_user(ANNA)
        writing.add_user(BEN)
        writing.add_project(a_project())
    return store


def test_people_come_back_as_they_were_and_change_in_three_things(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        assert writing.users() == [ANNA, BEN]
        assert writing.user("ANNA") == writing.user_by_id("user-1") == ANNA
        changed = dataclasses.replace(BEN, email="b@example.org", administrator=True, suspended=7)
        writing.change_user(dataclasses.replace(changed, name="Benedict", created=99))
        assert writing.user("ben") == changed
        writing.change_user(BEN)
        assert writing.users() == [ANNA, BEN]


def test_whoever_is_removed_leaves_nothing_that_opens_anything_and_what_happened_stays(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        writing.add_member("project-1", "user-1")
        writing.add_token(a_token("token-1"))
        writing.put_login(Login(user_id="user-1", password="$argon2id$…"))
        writing.add_session(a_session())
        writing.add_invitation(an_invitation("reset", user_id="user-1"))
        writing.add_invitation(an_invitation("sent"))
        writing.add_event(Event(at=1.5, kind="user-added", project_id=None, publisher_id=None, facts={"user": "Anna"}))
        assert writing.remove_user("user-1")
        assert not writing.remove_user("user-1")
        assert writing.users() == [BEN]
        assert writing.token("token-1") is None
        assert writing.login("user-1") is None
        assert writing.session("session-1") is None
        assert writing.memberships("project-1") == []
        assert [one.id for one in writing.invitations()] == ["sent"]
        assert [one.kind for one in writing.events()] == ["user-added"]


def test_owners_come_before_maintainers_and_a_role_can_change(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        writing.add_user(dataclasses.replace(BEN, id="user-3", name="Aaron"))
        for user, role in (("user-1", MAINTAINER), ("user-2", OWNER), ("user-3", MAINTAINER)):
            writing.add_member("project-1", user, role)
        assert [(one.user.name, one.role) for one in writing.memberships("project-1")] == [
            ("ben", "owner"), ("Aaron", "maintainer"), ("Anna", "maintainer"),
        ]  # fmt: skip
        writing.add_member("project-1", "user-1", OWNER)
        assert writing.memberships("project-1")[0] == Member(user=ANNA, role=OWNER)
        assert [one.name for one in writing.members("project-1")] == ["Aaron", "Anna", "ben"]
        assert [writing.role("project-1", f"user-{number}") for number in (1, 2, 3, 4)] == [
            OWNER, OWNER, MAINTAINER, None,
        ]  # fmt: skip
        assert all(writing.is_member("project-1", f"user-{number}") for number in (1, 2, 3))
        assert writing.remove_member("project-1", "user-3")
        assert not writing.remove_member("project-1", "user-3")
        assert writing.role("project-1", "user-3") is None
        assert not writing.is_member("project-1", "user-3")


def test_a_person_sees_their_projects_held_ones_too_with_the_role(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        held = a_project("A_Held", "project-2", pending_until=50)
        writing.add_project(held)
        writing.add_project(a_project("Other", "project-3"))
        writing.add_member("project-1", "user-1", MAINTAINER)
        writing.add_member("project-2", "user-1")
        writing.add_member("project-3", "user-2")
        assert writing.projects_of("user-1") == [(held, OWNER), (a_project(), MAINTAINER)]
        assert writing.role("project-2", "user-1") == OWNER
        assert not writing.is_member("project-2", "user-1")
        writing.remove_project("project-2")
        assert [one.name for one, _ in writing.projects_of("user-1")] == ["Hello"]


def test_a_login_is_replaced_whole_and_found_by_its_subject(peopled: SqlStore) -> None:
    subject = "https://login.example\n42"
    login = Login(
        user_id="user-1", password="$argon2id$…", totp="sealed", totp_step=3, recovery=("a", "b"), subject=subject
    )
    with peopled.write() as writing:
        assert writing.login("user-1") is None
        writing.put_login(login)
        assert writing.login("user-1") == writing.login_of_subject(subject) == login
        assert writing.login_of_subject("https://login.example\n4") is None
        writing.put_login(Login(user_id="user-1"))
        assert writing.login("user-1") == Login(user_id="user-1")
        assert writing.login_of_subject(subject) is None
        writing.put_login(Login(user_id="user-2", subject=subject))
    with pytest.raises(IntegrityError), peopled.write() as writing:
        writing.put_login(login)


def test_no_code_of_the_second_factor_is_taken_twice_nor_an_older_one_later(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        writing.put_login(Login(user_id="user-1", totp="sealed"))
        assert [writing.take_step("user-1", step) for step in (5, 5, 4, 6)] == [True, False, False, True]
        login = writing.login("user-1")
        assert login is not None
        assert login.totp_step == 6
        assert not writing.take_step("user-2", 7)


def test_a_recovery_code_is_used_up(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        writing.put_login(Login(user_id="user-1", recovery=("a", "b", "c")))
        assert [writing.take_recovery("user-1", one) for one in ("b", "b", "x", "c")] == [True, False, False, True]
        login = writing.login("user-1")
        assert login is not None
        assert login.recovery == ("a",)
        assert not writing.take_recovery("user-2", "a")


def test_of_many_at_the_same_moment_one_gets_the_code_the_step_and_the_invitation(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        writing.put_login(Login(user_id="user-1", recovery=("a",)))
        writing.add_invitation(an_invitation())

    def take(_: int) -> tuple[bool, bool, bool]:
        return peopled.transact(
            lambda writing: (
                writing.take_recovery("user-1", "a"),
                writing.take_step("user-1", 9),
                writing.take_invitation("invitation-1") is not None,
            )
        )

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(24)))
    assert [sum(one) for one in zip(*taken, strict=True)] == [1, 1, 1]


def test_a_session_changes_only_in_when_it_was_seen_and_proven(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        session = a_session(complete=False)
        writing.add_session(session)
        assert writing.session("session-1") == session
        assert writing.session("session-2") is None
        later = dataclasses.replace(session, seen=80, confirmed=70, complete=True)
        writing.change_session(dataclasses.replace(later, expires=9999, user_id="user-2", peer="198.51.100.1"))
        assert writing.session("session-1") == later


def test_only_whole_sessions_are_listed_the_last_used_first(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        for number, (seen, complete) in enumerate(((30, True), (50, True), (60, False), (40, True))):
            writing.add_session(a_session(f"session-{number}", seen=seen, complete=complete))
        writing.add_session(a_session("bens", "user-2"))
        assert [one.seen for one in writing.sessions("user-1")] == [50, 40, 30]


def test_sessions_end_one_by_one_all_but_one_or_all(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        for number in range(5):
            writing.add_session(a_session(f"session-{number}", complete=number != 3))
        writing.add_session(a_session("bens", "user-2"))
        assert writing.end_session("session-0")
        assert not writing.end_session("session-0")
        assert writing.end_sessions("user-1", but="session-4") == 3
        assert [one.id for one in writing.sessions("user-1")] == ["session-4"]
        assert writing.end_sessions("user-1") == 1
        assert writing.end_sessions("user-1") == 0
        assert writing.session("bens") is not None


def test_an_invitation_is_taken_once_and_the_newest_is_listed_first(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        first, second = an_invitation(), an_invitation("invitation-2", created=11, administrator=True, user_id="user-2")
        writing.add_invitation(first)
        writing.add_invitation(second)
        assert writing.invitations() == [second, first]
        assert writing.invitation("invitation-2") == second
        assert writing.take_invitation("invitation-2") == second
        assert writing.take_invitation("invitation-2") is None
        assert writing.invitations() == [first]


def test_letters_come_when_their_time_is_there_the_oldest_first(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        letters = [
            Letter(id=f"letter-{number}", to="anna@example.org", subject="Hello", body="Hi.\n", created=number)
            for number in range(4)
        ]
        for letter in reversed(letters):
            writing.add_letter(letter)
        assert writing.letters(0) == letters
        assert writing.letters(0, limit=2) == letters[:2]
        writing.put_off_letter("letter-0", attempts=1, not_before=60)
        writing.remove_letter("letter-1")
        assert writing.letters(59) == letters[2:]
        assert writing.letters(60) == [dataclasses.replace(letters[0], attempts=1, not_before=60), *letters[2:]]


def test_a_person_s_tokens_are_listed_the_newest_first_burned_ones_too(peopled: SqlStore) -> None:
    with peopled.write() as writing:
        writing.add_publisher(a_publisher())
        writing.add_token(a_token("old"))
        writing.add_token(a_token("new", created=200))
        writing.add_token(a_token("bens", user_id="user-2"))
        writing.add_token(a_token("minted", user_id=None, publisher_id="publisher-1"))
        writing.burn("new", 250)
        writing.note_use("old", 300)
        assert writing.tokens_of("user-1") == [a_token("new", created=200, burned=250), a_token("old", last_used=300)]
        assert writing.tokens_of("nobody") == []


def test_what_is_over_is_forgotten_by_housekeeping_and_nothing_else(peopled: SqlStore, clock: SetClock) -> None:
    now = int(NOW)
    with peopled.write() as writing:
        for name, expires in (("over", now), ("good", now + 1)):
            writing.add_session(a_session(name, expires=expires))
            writing.add_invitation(an_invitation(name, expires=expires))
    keep_house(peopled, clock)
    with peopled.read() as reading:
        assert [one.id for one in reading.sessions("user-1")] == ["good"]
        assert [one.id for one in reading.invitations()] == ["good"]


def names(found: Any) -> list[str]:
    return [one.normalized for one in found]


def test_projects_are_found_by_every_word_of_a_search(store: SqlStore) -> None:
    with store.write() as writing:
        for number, name in enumerate(("Zope.Interface", "zope-event", "interface_kit", "per-cent", "a1")):
            writing.add_project(a_project(name, f"project-{number}"))
        writing.add_project(a_project("zope-held", "project-9", pending_until=50))
        assert names(writing.search("")) == ["a1", "interface-kit", "per-cent", "zope-event", "zope-interface"]
        assert names(writing.search("ZOPE")) == ["zope-event", "zope-interface"]
        assert names(writing.search("interface  zope")) == ["zope-interface"]
        assert names(writing.search("zope_.interf")) == ["zope-interface"]
        assert names(writing.search("zope nothing")) == []


@pytest.mark.parametrize("words", ["%", "_%", "a%1", "\\", "'", "\0", "/", "é", "%_%"])
def test_nothing_in_a_search_is_a_pattern(store: SqlStore, words: str) -> None:
    with store.write() as writing:
        writing.add_project(a_project("ab1"))
        assert writing.search(words) == []


def test_a_search_of_very_many_words_is_answered(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project("ab1"))
        assert names(writing.search("ab " * 5000)) == ["ab1"]
        assert writing.search(" ".join(f"a{number}" for number in range(5000))) == []


def test_a_search_goes_on_behind_the_last_name(store: SqlStore) -> None:
    with store.write() as writing:
        for number in range(7):
            writing.add_project(a_project(f"Many_{number}", f"project-{number}"))
        seen, after = [], ""
        while page := writing.search("many", after=after, limit=3):
            seen += names(page)
            assert len(page) <= 3
            after = page[-1].name
        assert seen == [f"many-{number}" for number in range(7)]


def test_publishers_are_told_by_project_with_all_their_projects(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_project(a_project("Other", "project-2", pending_until=50))
        writing.add_project(a_project("Lonely", "project-3"))
        writing.add_publisher(a_publisher("publisher-1", "project-1"))
        writing.add_publisher(a_publisher("publisher-2", "project-1", "project-2", environment="release"))
        found = writing.publishers_by_project(["project-1", "project-2", "project-3", "nowhere"])
        assert {key: [one.id for one in ones] for key, ones in found.items()} == {
            "project-1": sorted(["publisher-1", "publisher-2"], key=[one.id for one in writing.publishers()].index),
            "project-2": ["publisher-2"], "project-3": [], "nowhere": [],
        }  # fmt: skip
        (both,) = found["project-2"]
        assert both == writing.publisher("publisher-2")
        assert Link(project_id="project-1", project="Hello") in both.links
        assert writing.publishers_by_project([]) == {}


def test_publishers_of_more_projects_than_a_statement_has_parameters_are_told(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_publisher(a_publisher("publisher-1", "project-1"))
        found = writing.publishers_by_project(["project-1", *(f"nowhere-{number}" for number in range(40_000))])
        assert len(found) == 40_001
        assert [one.id for one in found["project-1"]] == ["publisher-1"]


def an_event(number: int, **changes: Any) -> Event:
    event = Event(
        at=number * 43_200.5, kind=("minted", "burned", "seen")[number % 3], project_id=f"p{number % 2}",
        publisher_id=None, facts={},
    )  # fmt: skip
    return dataclasses.replace(event, **changes)


@pytest.fixture
def eventful(store: SqlStore) -> SqlStore:
    with store.write() as writing:
        for number in range(1, 13):
            writing.add_event(an_event(number))
    return store


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"limit": 3}, [12, 11, 10]),
        ({"kinds": ["minted"]}, [12, 9, 6, 3]),
        ({"kinds": ["minted", "burned", "minted"], "limit": 3}, [12, 10, 9]),
        ({"kinds": ["none"]}, []),
        ({"before": 10, "limit": 2}, [9, 8]),
        ({"kinds": ["minted", "seen"], "before": 9, "limit": 2}, [8, 6]),
        ({"since": 10 * 43_200.5}, [12, 11, 10]),
        ({"until": 3 * 43_200.5}, [2, 1]),
        ({"since": 4 * 43_200.5, "until": 8 * 43_200.5, "kinds": ["burned"]}, [7, 4]),
        ({"project_id": "p0", "limit": 2}, [12, 10]),
        ({"project_id": "p0", "kinds": ["minted", "seen"], "before": 12}, [8, 6, 2]),
        ({"project_id": "p1", "since": 5 * 43_200.5, "until": 11 * 43_200.5}, [9, 7, 5]),
    ],
)
def test_the_log_is_read_by_kind_project_time_and_place(
    eventful: SqlStore, asked: dict[str, Any], numbers: list[int]
) -> None:
    with eventful.read() as reading:
        found = reading.events(**asked)
    assert [one.number for one in found] == numbers
    assert found == [dataclasses.replace(an_event(number), number=number) for number in numbers]


def test_events_are_counted_by_kind_and_day(eventful: SqlStore) -> None:
    with eventful.read() as reading:
        counts = reading.counts(["minted", "burned"], since=4 * 43_200.5)
        assert reading.counts([], since=0) == {}
    # 4 to 12, two a day, without those that were only seen.
    assert counts == {("burned", 2): 1, ("minted", 3): 1, ("burned", 3): 1, ("minted", 4): 1, ("burned", 5): 1,
                      ("minted", 6): 1}  # fmt: skip


def test_many_of_one_day_are_one_count(store: SqlStore) -> None:
    with store.write() as writing:
        for second in (0.0, 1.25, 86_399.75, 86_400.0):
            writing.add_event(an_event(3, at=20_000 * 86_400 + second))
        assert writing.counts(["minted"], since=0) == {("minted", 20_000): 3, ("minted", 20_001): 1}


def test_who_uploaded_a_file_stays_with_it(store: SqlStore) -> None:
    origin = {"publisher": "publisher-1", "kind": "github", "subject": "Octo-Org/hello", "sha": "f" * 40, "ref": "ü"}
    file = File(
        project_id="project-1", filename="hello-1.0.tar.gz", version="1.0", filetype="sdist", size=3, sha256="a" * 64,
        blake2b_256="b" * 64, md5=None, metadata_sha256=None, requires_python=None, uploaded=1.5, token_id="t",
        origin=origin,
    )  # fmt: skip
    bare = dataclasses.replace(file, filename="hello-1.1.tar.gz", version="1.1", blake2b_256="c" * 64, origin={})
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(file)
        writing.add_file(bare)
        assert writing.files("project-1") == [file, bare]
        assert writing.file("hello-1.0.tar.gz") == next(iter(writing.all_files())) == file
        writing.bury("hello-1.0.tar.gz", 7)
        buried = writing.file("hello-1.0.tar.gz")
        assert buried is not None
        assert buried.origin == origin


def test_an_attempt_is_found_by_its_id(store: SqlStore) -> None:
    with store.read() as reading:
        assert reading.attempt("no such") is None


@on_sqlite_only
def test_the_database_itself_holds_each_of_these_to_its_person(peopled: SqlStore) -> None:
    nobody = "nobody"
    with closing(sqlite3.connect(peopled.path)) as program:
        program.execute("PRAGMA foreign_keys = ON")
        for statement in (
            "INSERT INTO logins (user_id, totp_step, recovery) VALUES (?, 0, '[]')",
            "INSERT INTO sessions VALUES ('s', ?, 1, 1, 1, 1, 1, '', '')",
            "INSERT INTO invitations VALUES ('i', '', 0, ?, '', 1, 1)",
            "INSERT INTO members (project_id, user_id) VALUES ('project-1', ?)",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
                program.execute(statement, (nobody,))


def test_nothing_of_it_is_there_after_what_did_not_end_well(peopled: SqlStore) -> None:
    def fail(writing: Writing) -> None:
        writing.add_session(a_session())
        writing.change_user(dataclasses.replace(ANNA, suspended=7))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        peopled.transact(fail)
    with peopled.read() as reading:
        assert reading.session("session-1") is None
        assert reading.user_by_id("user-1") == ANNA
