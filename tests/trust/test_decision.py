# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is trusted, over tables and properties. No clock, no socket, no file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.trust import explain
from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.decision import Refused, Trusted, decide
from trustpub.trust.mismatch import Mismatch
from trustpub.trust.providers.github import ISSUER, Identity
from trustpub.trust.publishers import Link, Publisher

NOW = 1_790_000_000


def github_claims(**changes: Any) -> SignedClaims:
    """Claims of a release job of octo-org/hello; a change to None takes the claim away."""
    claims = {
        "iss": ISSUER,
        "aud": "index",
        "sub": "repo:octo-org/hello:environment:release",
        "repository": "octo-org/hello",
        "repository_id": "456789",
        "repository_owner": "octo-org",
        "repository_owner_id": "123456",
        "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1",
        "workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1",
        "ref": "refs/tags/v1",
        "sha": "f" * 40,
        "event_name": "push",
        "environment": "release",
        "jti": "one",
    }
    claims.update(changes)
    return SignedClaims({name: value for name, value in claims.items() if value is not None})


def an_identity(**changes: Any) -> Identity:
    return Identity.from_claims(github_claims(**changes))


def a_publisher(*, without: tuple[str, ...] = (), pin: bool = False, **changes: str) -> Publisher:
    fields = {
        "repository": "octo-org/hello",
        "workflow": "release.yml",
        "environment": "release",
        "owner_id": "123456",
        "repository_id": "456789",
    }
    fields.update(changes)
    kept = {name: value for name, value in fields.items() if name not in without}
    link = Link(project_id="p-1", project="hello")
    return Publisher(id="pub-1", issuer=ISSUER, kind="github", fields=kept, links=(link,), pin_on_first_use=pin)


def test_the_registered_identity_is_trusted_with_every_project_of_its_publisher() -> None:
    links = (Link(project_id="p-1", project="hello"), Link(project_id="p-2", project="hello-extras"))
    publisher = replace(a_publisher(), links=links)
    assert decide(an_identity(), [publisher], NOW) == Trusted(publisher=publisher, links=links)


def test_with_no_publisher_at_all_nobody_is_trusted() -> None:
    assert decide(an_identity(), [], NOW) == Refused()


@pytest.mark.parametrize(
    ("claims", "field", "given_value"),
    [
        (
            {
                "repository": "octo-org/other",
                "job_workflow_ref": "octo-org/other/.github/workflows/release.yml@refs/tags/v1",
            },
            "repository",
            "octo-org/other",
        ),
        ({"repository_owner_id": "999"}, "owner_id", "999"),
        ({"repository_id": "999"}, "repository_id", "999"),
        ({"repository_id": None}, "repository_id", None),
        ({"job_workflow_ref": "octo-org/hello/.github/workflows/test.yml@refs/tags/v1"}, "workflow", "test.yml"),
        ({"job_workflow_ref": "octo-org/hello/.github/workflows/Release.yml@refs/tags/v1"}, "workflow", "Release.yml"),
        (
            {"job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/heads/evil"},
            "workflow",
            "octo-org/hello/.github/workflows/release.yml@refs/heads/evil",
        ),
        (
            {"job_workflow_ref": "evil/reuse/.github/workflows/release.yml@refs/tags/v1"},
            "workflow",
            "evil/reuse/.github/workflows/release.yml@refs/tags/v1",
        ),
        ({"environment": "staging"}, "environment", "staging"),
        ({"environment": None}, "environment", None),
        ({"environment": ""}, "environment", None),
        ({"event_name": "pull_request_target"}, "event", "pull_request_target"),
    ],
)
def test_a_changed_claim_is_refused_and_the_near_miss_names_just_that_field(
    claims: dict[str, Any], field: str, given_value: str | None
) -> None:
    verdict = decide(an_identity(**claims), [a_publisher()], NOW)
    assert isinstance(verdict, Refused)
    (miss,) = verdict.near_misses
    assert [(check.field, check.given) for check in miss.failed] == [(field, given_value)]


@pytest.mark.parametrize("ref", ["refs/tags/v1", "f" * 40])
def test_the_workflow_may_be_named_at_the_ref_or_at_the_commit_of_the_run(ref: str) -> None:
    identity = an_identity(job_workflow_ref=f"octo-org/hello/.github/workflows/release.yml@{ref}")
    assert isinstance(decide(identity, [a_publisher()], NOW), Trusted)


def test_owner_repository_and_environment_compare_without_case_as_on_github() -> None:
    claims = {
        "repository": "Octo-Org/Hello",
        "repository_owner": "OCTO-ORG",
        "environment": "Release",
        "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1",
    }
    assert isinstance(decide(an_identity(**claims), [a_publisher()], NOW), Trusted)


def test_the_publisher_with_an_environment_is_meant_before_the_general_one() -> None:
    general = replace(a_publisher(without=("environment",)), id="general")
    special = replace(a_publisher(), id="special")
    verdict = decide(an_identity(), [general, special], NOW)
    assert isinstance(verdict, Trusted)
    assert verdict.publisher.id == "special"
    other = decide(an_identity(environment="other"), [general, special], NOW)
    assert isinstance(other, Trusted)
    assert other.publisher.id == "general"


def test_two_publishers_that_match_equally_well_are_a_tie_and_refused() -> None:
    twins = [replace(a_publisher(), id="one"), replace(a_publisher(), id="two")]
    verdict = decide(an_identity(), twins, NOW)
    assert isinstance(verdict, Refused)
    assert {publisher.id for publisher in verdict.tie} == {"one", "two"}
    assert "several publishers" in explain.for_caller(verdict, an_identity()).text
    assert "remove all but one" in explain.for_maintainer(verdict, an_identity())[0]


def test_the_same_claims_from_another_issuer_prove_nothing() -> None:
    identity = an_identity(iss="https://evil.example")
    assert decide(identity, [a_publisher()], NOW) == Refused()


def test_a_pending_link_counts_up_to_its_time_and_not_at_it() -> None:
    pending = replace(a_publisher(), links=(Link(project_id="p-1", project="hello", pending_until=NOW + 1),))
    assert isinstance(decide(an_identity(), [pending], NOW), Trusted)
    verdict = decide(an_identity(), [pending], NOW + 1)
    assert isinstance(verdict, Refused)
    assert [check.field for check in verdict.near_misses[0].failed] == ["registration"]


def test_a_publisher_without_a_project_trusts_nobody() -> None:
    assert isinstance(decide(an_identity(), [replace(a_publisher(), links=())], NOW), Refused)


def test_a_publisher_that_demands_nothing_trusts_nobody() -> None:
    assert isinstance(decide(an_identity(), [replace(a_publisher(), fields={})], NOW), Refused)


def test_without_registered_ids_only_pinning_on_first_use_trusts() -> None:
    unpinned = a_publisher(without=("owner_id", "repository_id"))
    assert isinstance(decide(an_identity(), [unpinned], NOW), Refused)
    assert isinstance(decide(an_identity(), [replace(unpinned, pin_on_first_use=True)], NOW), Trusted)
    nothing_to_pin = an_identity(repository_id=None)
    assert isinstance(decide(nothing_to_pin, [replace(unpinned, pin_on_first_use=True)], NOW), Refused)


def test_near_misses_come_nearest_first() -> None:
    far = replace(a_publisher(workflow="x.yml", environment="y"), id="far")
    near = replace(a_publisher(workflow="x.yml"), id="near")
    verdict = decide(an_identity(), [far, near], NOW)
    assert isinstance(verdict, Refused)
    assert [miss.publisher.id for miss in verdict.near_misses] == ["near", "far"]


@pytest.mark.parametrize(
    "changes",
    [
        {"repository": None},
        {"repository": "no-slash"},
        {"repository": "a/b/c"},
        {"repository": 7},
        {"repository": ""},
        {"repository_owner": None},
        {"repository_owner": "somebody-else"},
        {"repository_owner_id": None},
        {"repository_owner_id": 123456},
        {"job_workflow_ref": None},
        {"job_workflow_ref": "release.yml"},
        {"job_workflow_ref": "octo-org/hello/.github/workflows/release.txt@refs/tags/v1"},
        {"job_workflow_ref": ["x"]},
        {"ref": None},
        {"sha": None},
        {"ref": "", "sha": ""},
        {"event_name": None},
        {"event_name": {}},
        {"jti": None},
        {"jti": ""},
        {"environment": ["release"]},
        {"repository_id": 1},
    ],
)
def test_claims_that_github_never_makes_are_a_bad_claim(changes: dict[str, Any]) -> None:
    with pytest.raises(BadClaim):
        an_identity(**changes)


def caller(publisher: Publisher, **claims: Any) -> explain.Explanation:
    identity = an_identity(**claims)
    verdict = decide(identity, [publisher], NOW)
    assert isinstance(verdict, Refused)
    return explain.for_caller(verdict, identity)


def test_the_registered_repository_is_told_what_was_wanted() -> None:
    told = caller(a_publisher(), environment="staging")
    assert told.mismatches == (Mismatch(field="environment", given="staging", wanted="release"),)
    assert "environment is 'staging', wanted 'release'" in told.text


def test_where_nothing_is_pinned_yet_the_caller_sees_its_own_values_only() -> None:
    told = caller(a_publisher(without=("owner_id", "repository_id"), pin=True), environment="staging")
    assert told.mismatches == (Mismatch(field="environment", given="staging", wanted=None),)
    assert "release" not in told.text.replace("the publishing job's", "")


@pytest.mark.parametrize("claim", ["repository_owner_id", "repository_id"])
def test_a_recreated_repository_learns_nothing_of_the_publisher(claim: str) -> None:
    told = caller(a_publisher(), **{claim: "999"}, environment="staging")
    assert "re-created or transferred" in told.text
    assert "release" not in told.text
    assert all(one.wanted is None and one.given is None for one in told.mismatches)


def test_the_maintainer_sees_project_field_wanted_and_given() -> None:
    identity = an_identity(repository_owner_id="999")
    verdict = decide(identity, [a_publisher()], NOW)
    assert isinstance(verdict, Refused)
    assert explain.for_maintainer(verdict, identity) == ("hello: owner_id is '999', wanted '123456'",)
    assert "comes near" in explain.for_maintainer(Refused(), identity)[0]


_WORDS = st.text(alphabet="abAB019-_./@:", max_size=12)
_PINNED = st.sampled_from(
    ["repository", "repository_owner_id", "repository_id", "job_workflow_ref", "environment", "event_name", "iss"]
)


@given(name=_PINNED, value=_WORDS)
def test_any_other_value_of_a_pinned_claim_is_never_trusted(name: str, value: str) -> None:
    claims = github_claims()
    same = str(claims[name]).lower() == value.lower()
    harmless = name == "event_name" and value != "pull_request_target"
    try:
        verdict = decide(an_identity(**{name: value}), [a_publisher()], NOW)
    except BadClaim:
        return
    assert isinstance(verdict, Refused) or same or harmless


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS, lambda leaf: st.lists(leaf, max_size=2), max_leaves=4
)


@given(claims=st.dictionaries(st.sampled_from(sorted(github_claims())), _JSON))
def test_any_claims_end_in_a_verdict_or_a_bad_claim(claims: dict[str, Any]) -> None:
    try:
        verdict = decide(an_identity(**claims), [a_publisher()], NOW)
    except BadClaim:
        return
    assert isinstance(verdict, Trusted | Refused)
