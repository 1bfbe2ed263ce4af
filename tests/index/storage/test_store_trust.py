# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the store keeps for trust: issuers and their terms, identities, rules, held names, uses, attempts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Attempt, Issuer, Token
from trustpub.trust.provider import Terms
from trustpub.trust.publishers import Link, Rules

from .both import on_both  # noqa: F401 - a fixture
from .conftest import PUBLIC, a_project, a_publisher

OTHER = "https://ghes.example/_services/token"


def a_token(token_id: str, publisher_id: str = "publisher-1", expires: int | None = 200, **changes: Any) -> Token:
    token = Token(
        id=token_id, key_id="key-1", location="index.example", publisher_id=publisher_id, user_id=None,
        description="minted", caveats=((0, 200, 100),), scope="upload", created=100, expires=expires,
    )  # fmt: skip
    return dataclasses.replace(token, **changes)


def an_attempt(attempt_id: str = "attempt-1", project_id: str | None = "project-1", **changes: Any) -> Attempt:
    attempt = Attempt(
        id=attempt_id, project_id=project_id, issuer=PUBLIC, kind="github", digest=attempt_id,
        claims={"repository": "octo-org/hello"}, reasons=["Hello: workflow is 'a.yml', wanted 'b.yml'"],
        first=100.5, last=100.5, count=1, peer="192.0.2.7",
    )  # fmt: skip
    return dataclasses.replace(attempt, **changes)


def test_an_issuer_comes_back_with_all_that_was_said_of_it(store: SqlStore) -> None:
    plain = Issuer(url=OTHER, kind="github")
    full = Issuer(
        url=OTHER, kind="github", jwks={"keys": []}, ca="PEM",
        terms=Terms(algorithms=("RS256", "ES256"), array_audience=True, max_age=600, max_lifetime=900,
                    token_lifetime=3600),
        audience="shared", jwks_hosts=("keys.example", "more.example"), private=True,
    )  # fmt: skip
    with store.write() as writing:
        for issuer in (plain, full, plain):
            writing.put_issuer(issuer)
            assert writing.issuer(OTHER) == issuer


def test_the_same_identity_of_another_issuer_is_another_publisher(store: SqlStore) -> None:
    with store.write() as writing:
        writing.put_issuer(Issuer(url=OTHER, kind="github"))
        writing.add_publisher(a_publisher("publisher-1"))
        writing.add_publisher(dataclasses.replace(a_publisher("publisher-2"), issuer=OTHER))
        found = writing.candidates(OTHER, "github", {"octo-org/hello"})
        assert [one.id for one in found] == ["publisher-2"]
    with pytest.raises(IntegrityError), store.write() as writing:
        writing.add_publisher(dataclasses.replace(a_publisher("publisher-3"), issuer=OTHER))


def test_candidates_of_several_lookups_come_at_once(store: SqlStore) -> None:
    with store.write() as writing:
        for number, repository in enumerate(("Octo-Org/hello", "octo-org/other", "octo-org/third")):
            writing.add_publisher(a_publisher(f"publisher-{number}", repository=repository))
        found = writing.candidates(PUBLIC, "github", frozenset({"octo-org/hello", "octo-org/third", "absent"}))
        assert {one.id for one in found} == {"publisher-0", "publisher-2"}


def test_a_publisher_keeps_what_it_calls_immutable(store: SqlStore) -> None:
    given = dataclasses.replace(a_publisher(), immutable=("owner_id",))
    with store.write() as writing:
        writing.add_publisher(given)
        assert writing.publisher("publisher-1") == given


def test_each_link_has_rules_of_its_own_and_can_be_given_others(store: SqlStore) -> None:
    strict = Rules(ref="refs/tags/v*", protected_ref=True, events=("push", "release"), runner="github-hosted")
    with store.write() as writing:
        writing.add_project(a_project("Hello", "project-1"))
        writing.add_project(a_project("Other", "project-2"))
        publisher = a_publisher()
        links = (Link(project_id="project-1", project="Hello", rules=strict),)
        writing.add_publisher(dataclasses.replace(publisher, links=links))
        writing.link_publisher("publisher-1", "project-2", Rules())
        assert _rules(writing) == {"Hello": strict, "Other": Rules()}
        writing.link_publisher("publisher-1", "project-2", Rules(runner="self-hosted"))
        writing.link_publisher("publisher-1", "project-1", Rules())
        assert _rules(writing) == {"Hello": Rules(), "Other": Rules(runner="self-hosted")}


def _rules(reading: Any) -> dict[str, Rules]:
    return {link.project: link.rules for link in reading.publisher("publisher-1").links}


def test_rules_that_this_version_does_not_know_are_not_passed_over(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_publisher(a_publisher("publisher-1", "project-1"))
        writing._connection.exec_driver_sql(  # type: ignore[attr-defined]
            """UPDATE publisher_links SET rules = '{"moon": "full"}'"""
        )
        with pytest.raises(TypeError, match="moon"):
            writing.publisher("publisher-1")


def test_the_first_release_takes_the_name_from_all_others_who_waited_for_it(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project(pending_until=50))
        writing.add_project(a_project("Other", "project-2"))
        for number, environment in enumerate(("one", "two", "three"), 1):
            writing.add_publisher(a_publisher(f"publisher-{number}", "project-1", environment=environment))
        writing.link_publisher("publisher-3", "project-2", Rules())
        writing.add_token(a_token("token-2", "publisher-2"))
        lost = writing.make_real("project-1", name="Hello", publisher_id="publisher-1")
        assert lost == ["publisher-2", "publisher-3"]
        assert [one.id for one in writing.publishers("hello")] == ["publisher-1"]
        assert [one.id for one in writing.publishers("other")] == ["publisher-3"]
        left = writing.publisher("publisher-2")
        assert left is not None
        assert left.links == ()
        assert writing.token("token-2") is not None
    with pytest.raises(ValueError, match="pending"), store.write() as writing:
        writing.make_real("project-1", name="Hello", publisher_id="publisher-1")


def test_publishers_without_a_project_go_when_their_last_token_is_over(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        for name, *linked in (("linked", "project-1"), ("live",), ("over",), ("never",)):
            writing.add_publisher(a_publisher(name, *linked, environment=name))
        for name, expires in (("linked", 100), ("live", 100), ("live", 200), ("over", 199)):
            writing.add_token(a_token(f"{name}-{expires}", name, expires))
        assert writing.forget_idle_publishers(200) == 2
        assert {one.id for one in writing.publishers()} == {"linked", "live"}
        assert writing.forget_idle_publishers(201) == 1
        assert {one.id for one in writing.publishers()} == {"linked"}


def test_names_that_look_alike_are_found_held_or_real(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project("Pil-low", "project-1"))
        writing.add_project(a_project("zero", "project-2", pending_until=50))
        for typed, found in (("pillow", "project-1"), ("P1I.LOW", "project-1"), ("zer0", "project-2")):
            alike = writing.project_like(typed)
            assert alike is not None
            assert alike.id == found
        assert writing.project_like("pillows") is None


def test_held_names_are_told_by_their_time_and_reminded_of_once(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project("Real", "project-0"))
        for number, until in ((1, 50), (2, 60), (3, 70)):
            writing.add_project(a_project(f"held-{number}", f"project-{number}", pending_until=until))
        assert [one.id for one in writing.held(until=60)] == ["project-1", "project-2"]
        assert writing.held(until=49) == []
        writing.remind("project-1")
        assert [one.id for one in writing.held(until=60, reminded=False)] == ["project-2"]
        assert [(one.id, one.reminded) for one in writing.held(until=99, reminded=True)] == [("project-1", True)]


def test_names_are_prohibited_in_every_spelling_until_permitted(store: SqlStore) -> None:
    with store.write() as writing:
        writing.prohibit("My_Secret", "a trap")
        writing.prohibit("my-secret", "a mark")
        writing.prohibit("another", "why not")
        assert writing.prohibited("MY.secret") == "a mark"
        assert writing.prohibited("mysecret") is None
        assert writing.prohibited_names() == [("another", "why not"), ("my-secret", "a mark")]
        assert writing.permit("my_secret")
        assert not writing.permit("my_secret")
        assert writing.prohibited("my-secret") is None


def test_a_token_for_one_upload_is_spent_once_and_any_other_as_often_as_wanted(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_publisher(a_publisher())
        writing.add_token(a_token("many"))
        writing.add_token(a_token("once", single_use=True))
        assert [writing.spend("many", at) for at in (110, 120)] == [True, True]
        assert [writing.spend("once", at) for at in (110, 120)] == [True, False]
        assert not writing.spend("never made", 110)
        for token_id in ("many", "once"):
            token = writing.token(token_id)
            assert token is not None
            assert (token.used, token.single_use) == (110, token_id == "once")


def test_the_same_attempt_is_counted_and_another_is_stored(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.note_attempt(an_attempt(), most=10)
        writing.note_attempt(an_attempt("again", digest="attempt-1", first=200.5, last=200.5, peer="::1"), most=10)
        assert writing.attempts(project_id="project-1") == [an_attempt(last=200.5, count=2, peer="::1")]
        writing.note_attempt(an_attempt("attempt-2", last=150.5), most=10)
        assert [one.id for one in writing.attempts(project_id="project-1")] == ["attempt-1", "attempt-2"]
        assert [one.id for one in writing.attempts(project_id="project-1", limit=1)] == ["attempt-1"]


@pytest.mark.parametrize("project_id", ["project-1", None])
def test_only_the_newest_attempts_of_a_project_or_of_nobody_are_kept(store: SqlStore, project_id: str | None) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        elsewhere = None if project_id else "project-1"
        writing.note_attempt(an_attempt("elsewhere", elsewhere, last=1.0), most=3)
        for number in range(6):
            writing.note_attempt(an_attempt(f"attempt-{number}", project_id, last=100.0 + number), most=3)
            writing.note_attempt(an_attempt("x", project_id, digest="attempt-0", last=150.0 + number), most=3)
        newest = [(one.digest, one.count) for one in writing.attempts(project_id=project_id)]
        assert newest == [("attempt-0", 7), ("attempt-5", 1), ("attempt-4", 1)]
        assert [one.id for one in writing.attempts(project_id=elsewhere)] == ["elsewhere"]


def test_the_same_attempt_near_two_projects_and_none_is_three(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_project(a_project("Other", "project-2"))
        for number, near in enumerate(("project-1", "project-2", None, None)):
            writing.note_attempt(an_attempt(f"attempt-{number}", near, digest="same"), most=3)
        counts = [[one.count for one in writing.attempts(project_id=near)] for near in ("project-1", "project-2", None)]
        assert counts == [[1], [1], [2]]


def test_attempts_are_forgotten_in_time_and_go_with_a_name_that_was_held_in_vain(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_project(a_project(pending_until=50))
        for near in ("project-1", None):
            writing.note_attempt(an_attempt(f"old {near}", near, last=99.5), most=9)
            writing.note_attempt(an_attempt(f"new {near}", near, last=100.0), most=9)
        assert writing.forget_attempts(100.0) == 2
        writing.remove_project("project-1")
        assert writing.attempts(project_id="project-1") == []
        assert [one.id for one in writing.attempts(project_id=None)] == ["new None"]
