# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is minted: for how long, for which projects, for how many uploads; and what would be, without minting it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trustpub.index.mint import Preflight
from trustpub.index.upload import Accepted
from trustpub.protocol.exchange import Minted, Problem
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import ProjectIds, read
from trustpub.trust.provider import Terms
from trustpub.trust.publishers import Link, Rules

URL = "https://ci.example"
SINGLE = ["single-use-token"]


def projects(minted: Minted) -> set[str]:
    caveats = [read(one) for one in macaroon.parse(minted.token).caveats]
    return {project for one in caveats if isinstance(one, ProjectIds) for project in one.ids}


@pytest.mark.parametrize("lifetime", [900, 21_600])
def test_the_issuers_terms_say_how_long_a_token_lives(bench: Any, lifetime: int) -> None:
    bench.set_issuer(terms=Terms(token_lifetime=lifetime))
    minted = bench.minted()
    assert minted.expires == 1_790_000_001 + lifetime
    bench.clock.now = minted.expires - 0.1
    assert isinstance(bench.upload(minted), Accepted)
    bench.clock.now = float(minted.expires)
    assert isinstance(bench.upload(minted, version="1.1"), Problem)


def test_a_project_whose_rules_the_run_breaks_is_withheld_and_its_maintainer_reads_why(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    with bench.store.write() as writing:
        writing.link_publisher("pub-1", "project-2", Rules(ref="refs/heads/main"))
    assert projects(bench.minted()) == {"project-1"}
    (minted,) = bench.events(project_id="project-1")
    (withheld,) = bench.events(project_id="project-2")
    assert (minted.kind, minted.facts["withheld"]) == ("token-minted", ["Extras"])
    assert withheld.kind == "project-withheld"
    assert "wanted 'refs/heads/main'" in withheld.facts["reasons"][0]


def test_a_token_for_one_upload_makes_one(bench: Any) -> None:
    minted = bench.minted(features=SINGLE)
    assert bench.row(minted).single_use
    assert isinstance(bench.upload(minted), Accepted)
    assert bench.row(minted).used == int(bench.clock.now)
    second = bench.upload(minted, version="1.1")
    assert (second.status, second.code) == (403, "invalid-credentials")
    assert "it was for one upload" in second.detail


def test_the_same_file_again_is_no_fault_and_revives_no_token(bench: Any) -> None:
    minted = bench.minted(features=SINGLE)
    first = bench.upload(minted)
    used = bench.row(minted).used
    bench.clock.now += 5
    again = bench.upload(minted)
    assert (first.new, again.new) == (True, False)
    assert bench.row(minted).used == used
    assert bench.upload(minted, version="1.1").status == 403


def test_a_file_that_is_there_already_spends_nothing(bench: Any) -> None:
    bench.upload(bench.minted())
    single = bench.minted(features=SINGLE, jti="second")
    assert bench.upload(single).new is False
    assert bench.row(single).used is None
    assert bench.upload(single, version="1.1").new is True


def test_of_two_uploads_at_once_with_a_token_for_one_one_is_accepted(bench: Any, together: Any) -> None:
    for number in range(6):
        minted = bench.minted(features=SINGLE, jti=f"race-{number}")
        answers = together(
            lambda minted=minted, number=number: bench.upload(minted, version=f"{number}.1"),
            lambda minted=minted, number=number: bench.upload(minted, version=f"{number}.2"),
        )
        (accepted,) = [one for one in answers if isinstance(one, Accepted)]
        (refused,) = [one for one in answers if isinstance(one, Problem)]
        assert accepted.new
        assert (refused.status, "it was for one upload" in refused.detail) == (403, True)
    # What was refused only at the very end has left its bytes, under no name; the sweep of the next start takes them.
    assert bench.blobs.sweep(bench.store) <= 6
    assert len(list(bench.blobs.names())) == 6


def test_a_token_for_several_uploads_makes_several(bench: Any) -> None:
    for features in (None, [], ["multi-use-token"]):
        minted = bench.minted(features=features, jti=str(features))
        assert not bench.row(minted).single_use
        for version in ("1", "2"):
            bench.upload(minted, version=f"{version}.{len(str(features))}")


@pytest.mark.parametrize("features", [["x"], ["single-use-token", "multi-use-token"]])
def test_a_feature_there_is_not_is_refused_and_uses_nothing_up(bench: Any, features: list[str]) -> None:
    token = bench.identity_token()
    problem = bench.refused(token, features=features)
    assert (problem.status, problem.code) == (422, "unsupported-feature")
    bench.minted(token)


def pending(bench: Any, *publisher_ids: str) -> None:
    """The project New, for which each of these publishers holds the name; told apart by their environments."""
    until = int(bench.clock.now) + 1000
    bench.add_project("project-new", "New", pending_until=until)
    link = Link(project_id="project-new", project="New", pending_until=until)
    for one in publisher_ids:
        bench.add_publisher(one, links=(link,), environment=one)


def test_a_mint_and_a_burn_without_an_upload_leave_the_publisher_pending(bench: Any) -> None:
    pending(bench, "first")
    minted = bench.minted(environment="first")
    assert projects(minted) == {"project-new"}
    bench.burn(minted)
    with bench.store.read() as reading:
        assert reading.project("new").pending_until is not None
        assert [one.name for one in reading.projects()] == ["Hello"]
        assert reading.publisher("first").pending
    assert isinstance(bench.upload(minted, "new"), Problem)
    assert isinstance(bench.upload(bench.minted(environment="first", jti="again"), "new"), Accepted)


def test_an_upload_that_is_refused_leaves_the_publisher_pending(bench: Any) -> None:
    pending(bench, "first")
    minted = bench.minted(environment="first")
    assert bench.upload(minted, "hello").status == 403
    with bench.store.read() as reading:
        assert reading.publisher("first").pending


def test_the_first_upload_makes_the_project_and_the_second_publisher_is_told_who_did(bench: Any) -> None:
    pending(bench, "first", "second")
    one, other = bench.minted(environment="first", jti="1"), bench.minted(environment="second", jti="2")
    assert isinstance(bench.upload(one, "new"), Accepted)
    late = bench.upload(other, "new", "1.1")
    assert (late.status, late.code) == (403, "forbidden")
    assert "another publisher's first upload made the project" in late.detail
    (dropped,) = bench.events("pending-publisher-dropped", project_id="project-new")
    assert (dropped.publisher_id, dropped.facts["by"]) == ("second", "first")
    assert bench.refused(environment="second", jti="3").code == "invalid-pending-publisher"
    assert isinstance(bench.upload(one, "new", "1.1"), Accepted)


def test_two_first_uploads_at_once_end_with_one_project_and_one_clear_refusal(bench: Any, together: Any) -> None:
    pending(bench, "first", "second")
    minted = [bench.minted(environment=one, jti=one) for one in ("first", "second")]
    answers = together(lambda: bench.upload(minted[0], "new", "1.0"), lambda: bench.upload(minted[1], "new", "2.0"))
    (accepted,) = [one for one in answers if isinstance(one, Accepted)]
    (refused,) = [one for one in answers if isinstance(one, Problem)]
    assert accepted.project == "new"
    assert "another publisher's first upload made the project" in refused.detail
    with bench.store.read() as reading:
        project = reading.project("new")
        assert project.pending_until is None
        assert len(reading.files(project.id)) == 1
        assert len(reading.publishers("new")) == 1


def test_two_first_uploads_of_one_publisher_are_both_accepted(bench: Any, together: Any) -> None:
    pending(bench, "first")
    minted = bench.minted(environment="first")
    answers = together(lambda: bench.upload(minted, "new", "1.0"), lambda: bench.upload(minted, "new", "2.0"))
    assert all(isinstance(one, Accepted) for one in answers)


def test_a_publisher_with_other_projects_is_told_what_may_have_happened_to_this_one(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    with bench.store.write() as writing:
        writing.link_publisher("pub-1", "project-2", Rules())
    minted = bench.minted()
    with bench.store.write() as writing:
        writing.unlink_publisher("pub-1", "project-2")
    answer = bench.upload(minted, "extras")
    assert (answer.status, "unlinked" in answer.detail) == (403, True)
    assert isinstance(bench.upload(minted), Accepted)


def preflight(bench: Any, **changes: Any) -> Any:
    return bench.mint.preflight(bench.body(**changes), "192.0.2.7")


def test_a_preflight_says_what_a_mint_would_give_and_uses_nothing_up(bench: Any) -> None:
    pending(bench, "first")
    with bench.store.write() as writing:
        writing.link_publisher("first", "project-1", Rules(ref="refs/heads/main", events=("release",)))
    token = bench.identity_token(environment="first")
    found = bench.mint.preflight(bench.body(token), "192.0.2.7")
    assert bench.mint.preflight(bench.body(token), "192.0.2.7") == found
    assert isinstance(found, Preflight)
    assert found.body() == {
        "success": True,
        "publisher": "first",
        "projects": [{"name": "New", "pending": True}],
        "withheld": [
            {
                "name": "Hello",
                "mismatches": [
                    {"field": "ref", "given": "refs/tags/v1", "wanted": "refs/heads/main"},
                    {"field": "event", "given": "push", "wanted": "release"},
                ],
            }
        ],
        "expires_in": 900,
    }
    assert json.loads(json.dumps(found.body())) == found.body()
    assert bench.events() == []
    assert projects(bench.minted(token)) == {"project-new"}


def test_a_preflight_pins_nothing_and_says_no_wanted_value_before_ids_are_pinned(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    bench.add_publisher("pub-2", pin=True, without=("owner_id", "repository_id"), environment="pinning")
    with bench.store.write() as writing:
        writing.link_publisher("pub-2", "project-2", Rules(ref="refs/heads/main"))
    found = preflight(bench, environment="pinning")
    assert [(one.field, one.given, one.wanted) for one in found.withheld[0].mismatches] == [
        ("ref", "refs/tags/v1", None)
    ]
    with bench.store.read() as reading:
        assert "owner_id" not in reading.publisher("pub-2").fields


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "staging"},
        {"repository_owner_id": "999"},
        {"aud": "pypi"},
        {"jti": ""},
        {"event_name": "pull_request_target"},
        {"iss": "https://elsewhere.example"},
        {"header": {"kid": "key-9"}},
    ],
)
def test_a_preflight_refuses_in_the_very_words_of_a_mint_and_keeps_no_attempt(
    bench: Any, changes: dict[str, Any]
) -> None:
    said = preflight(bench, **changes)
    assert isinstance(said, Problem)
    assert bench.attempts("project-1") == []
    assert bench.attempts(None) == []
    assert said == bench.refused(**changes)


def test_refused_preflights_count_like_refused_mints(bench: Any) -> None:
    for _ in range(30):
        assert preflight(bench, environment="staging").code == "invalid-publisher"
    assert preflight(bench).code == "rate-limited"
    assert bench.refused().code == "rate-limited"


def test_a_preflight_of_what_is_no_request_is_an_invalid_payload(bench: Any) -> None:
    for body in (b"", b"{}", b'{"token":5}', b'{"token":"x"}'):
        assert bench.mint.preflight(body, "192.0.2.7").code == "invalid-payload"
