# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is trusted among several publishers and projects. No clock, no socket, no file."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from trustpub.trust.claims import SignedClaims
from trustpub.trust.decision import Check, NearMiss, Refused, Trusted, Withheld, decide
from trustpub.trust.providers.github import ISSUER, PROVIDER, Identity
from trustpub.trust.publishers import Link, Publisher, Rules

NOW = 1_790_000_000


def a_job(**changes: Any) -> Identity:
    """The documented example; a change to None takes a claim away."""
    claims = {**PROVIDER.example_claims, **changes}
    return Identity.from_claims(SignedClaims({name: value for name, value in claims.items() if value is not None}))


def a_link(project: str = "hello", *, rules: Rules | None = None, pending_until: int | None = None) -> Link:
    return Link(project_id=f"id of {project}", project=project, rules=rules or Rules(), pending_until=pending_until)


def a_publisher(name: str = "pub", *links: Link, without: str = "", **changes: str) -> Publisher:
    fields = {**PROVIDER.example_fields, **changes}
    kept = {name: value for name, value in fields.items() if name != without}
    return Publisher(id=name, issuer=ISSUER, kind="github", fields=kept, links=links or (a_link(),))


def refusal(identity: Identity, *publishers: Publisher) -> Refused:
    verdict = decide(identity, publishers, NOW)
    assert isinstance(verdict, Refused)
    return verdict


def test_the_registered_identity_is_trusted_with_every_project_of_its_publisher() -> None:
    publisher = a_publisher("pub", a_link("hello"), a_link("hello-extras"))
    assert decide(a_job(), [publisher], NOW) == Trusted(publisher=publisher, links=publisher.links, withheld=())


def test_with_no_publisher_at_all_nobody_is_trusted() -> None:
    assert decide(a_job(), [], NOW) == Refused(near_misses=(), tie=())


def test_the_same_claims_from_another_issuer_prove_nothing() -> None:
    assert decide(a_job(iss="https://evil.example"), [a_publisher()], NOW) == Refused()


def test_a_publisher_of_another_kind_with_the_same_issuer_is_not_looked_at() -> None:
    other, right = replace(a_publisher("other"), kind="generic"), a_publisher()
    assert decide(a_job(), [other], NOW) == Refused()
    assert decide(a_job(), [other, right], NOW) == Trusted(publisher=right, links=right.links)


def test_the_publisher_with_an_environment_is_meant_before_the_general_one() -> None:
    general, special = a_publisher("general", without="environment"), a_publisher("special")
    for order in itertools.permutations((general, special)):
        verdict = decide(a_job(), order, NOW)
        assert isinstance(verdict, Trusted)
        assert verdict.publisher is special
        other = decide(a_job(environment="other"), order, NOW)
        assert isinstance(other, Trusted)
        assert other.publisher is general


def test_the_more_special_publisher_is_meant_even_where_its_rules_say_no() -> None:
    general = a_publisher("general", without="environment")
    special = a_publisher("special", a_link(rules=Rules(ref="refs/heads/main")))
    assert [miss.publisher.id for miss in refusal(a_job(), general, special).near_misses] == ["special"]


def test_a_special_publisher_without_a_live_project_stands_in_nobodys_way() -> None:
    general = a_publisher("general", without="environment")
    special = a_publisher("special", a_link(pending_until=NOW))
    verdict = decide(a_job(), [special, general], NOW)
    assert isinstance(verdict, Trusted)
    assert verdict.publisher is general


def test_publishers_that_match_equally_well_are_a_tie_and_refused_in_one_order() -> None:
    twins = [a_publisher("two"), a_publisher("one")]
    general = a_publisher("general", without="environment")
    for order in itertools.permutations((*twins, general)):
        verdict = refusal(a_job(), *order)
        assert [publisher.id for publisher in verdict.tie] == ["one", "two"]
        assert verdict.near_misses == ()


def test_a_pending_link_counts_up_to_its_time_and_not_at_it() -> None:
    assert isinstance(decide(a_job(), [a_publisher("pub", a_link(pending_until=NOW + 1))], NOW), Trusted)
    late = a_publisher("pub", a_link(pending_until=NOW))
    (miss,) = refusal(a_job(), late).near_misses
    wanted = "a project, or a pending registration whose time is not up"
    assert miss == NearMiss(
        publisher=late, failed=(Check(field="registration", wanted=wanted, given=None, holds=False),)
    )


def test_a_link_that_is_not_live_is_neither_granted_nor_withheld() -> None:
    rules = Rules(ref="refs/heads/main")
    publisher = a_publisher(
        "pub", a_link("old", pending_until=NOW), a_link("older", rules=rules, pending_until=1), a_link()
    )
    assert decide(a_job(), [publisher], NOW) == Trusted(publisher=publisher, links=(a_link(),))


def test_what_differs_is_said_before_what_is_not_registered() -> None:
    late = a_publisher("pub", a_link(pending_until=NOW))
    assert [check.field for check in refusal(a_job(environment="x"), late).near_misses[0].failed] == ["environment"]


def test_a_publisher_without_a_project_trusts_nobody() -> None:
    assert isinstance(decide(a_job(), [replace(a_publisher(), links=())], NOW), Refused)


class _Anybody(Identity):
    """An identity of which nothing is demanded."""

    __slots__ = ()

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        return ()


def test_a_publisher_that_demands_nothing_trusts_nobody() -> None:
    anybody = _Anybody.from_claims(SignedClaims(PROVIDER.example_claims))
    (miss,) = refusal(anybody, a_publisher()).near_misses
    assert miss.failed == (Check(field="publisher", wanted="at least one field", given=None, holds=False),)


def test_near_misses_come_nearest_first_and_a_foreign_id_is_farther_than_anything_else() -> None:
    far = a_publisher("b-far", workflow="x.yml", environment="y")
    near = a_publisher("c-near", workflow="x.yml")
    also = a_publisher("d-near", environment="y")
    foreign = a_publisher("a-foreign", owner_id="9")
    stranger = a_publisher("a-stranger", owner_id="9", repository_id="9")
    for order in itertools.permutations((far, near, also, foreign, stranger)):
        names = [miss.publisher.id for miss in refusal(a_job(), *order).near_misses]
        assert names == ["c-near", "d-near", "b-far", "a-foreign", "a-stranger"]


def test_a_publisher_that_only_lacks_a_project_is_the_nearest() -> None:
    mine = replace(a_publisher("z-mine"), links=())
    other = a_publisher("a-other", workflow="x.yml")
    for order in ((mine, other), (other, mine)):
        assert [miss.publisher.id for miss in refusal(a_job(), *order).near_misses] == ["z-mine", "a-other"]


REF = Check(field="ref", wanted="refs/heads/*", given="refs/tags/v1", holds=False)
PROTECTED = Check(field="ref_protected", wanted="true", given="false", holds=False)
EVENT = Check(field="event", wanted="release or schedule", given="push", holds=False)
RUNNER = Check(field="runner", wanted="self-hosted", given="github-hosted", holds=False)


@pytest.mark.parametrize(
    ("rules", "claims", "failed"),
    [
        (Rules(), {}, ()),
        (Rules(ref="refs/tags/v*"), {}, ()),
        (Rules(ref="refs/heads/*"), {}, (REF,)),
        (Rules(ref="refs/TAGS/v*"), {}, (replace(REF, wanted="refs/TAGS/v*"),)),
        (Rules(ref="*/*/*"), {"ref": ""}, (replace(REF, wanted="*/*/*", given=None),)),
        (Rules(protected_ref=True), {}, ()),
        (Rules(protected_ref=True), {"ref_protected": "false"}, (PROTECTED,)),
        (Rules(protected_ref=True), {"ref_protected": None}, (replace(PROTECTED, given=None),)),
        (Rules(protected_ref=False), {"ref_protected": "false"}, ()),
        (Rules(events=("release", "push")), {}, ()),
        (Rules(events=("release", "schedule")), {}, (EVENT,)),
        (Rules(events=("Push",)), {}, (replace(EVENT, wanted="Push"),)),
        (Rules(runner="github-hosted"), {}, ()),
        (Rules(runner="self-hosted"), {}, (RUNNER,)),
        (Rules(runner="self-hosted"), {"runner_environment": None}, (replace(RUNNER, given=None),)),
        (
            Rules(ref="refs/heads/*", protected_ref=True, events=("release", "schedule"), runner="self-hosted"),
            {"ref_protected": "false"},
            (REF, PROTECTED, EVENT, RUNNER),
        ),
    ],
)
def test_a_run_must_keep_the_rules_of_a_project(
    rules: Rules, claims: dict[str, Any], failed: tuple[Check, ...]
) -> None:
    if "ref" in claims:
        claims["job_workflow_ref"] = f"octo-org/sampleproject/.github/workflows/release.yml@{a_job().sha}"
    strict, open_ = a_link("strict", rules=rules), a_link("open")
    alone, both = a_publisher("pub", strict), a_publisher("pub", strict, open_)
    if not failed:
        assert decide(a_job(**claims), [both], NOW) == Trusted(publisher=both, links=(strict, open_))
        return
    withheld = (Withheld(link=strict, failed=failed),)
    assert decide(a_job(**claims), [both], NOW) == Trusted(publisher=both, links=(open_,), withheld=withheld)
    assert refusal(a_job(**claims), alone) == Refused(
        near_misses=(NearMiss(publisher=alone, failed=failed, withheld=withheld),)
    )


def test_where_no_project_may_be_published_every_rule_that_fails_is_named_once() -> None:
    first, second = (
        Rules(ref="refs/heads/*", runner="self-hosted"),
        Rules(events=("release", "schedule"), ref="refs/heads/*"),
    )
    publisher = a_publisher("pub", a_link("one", rules=first), a_link("two", rules=second))
    (miss,) = refusal(a_job(), publisher).near_misses
    assert miss.failed == (REF, RUNNER, EVENT)
    assert [(one.link.project, one.failed) for one in miss.withheld] == [("one", (REF, RUNNER)), ("two", (REF, EVENT))]


def test_a_pull_request_target_is_refused_even_where_a_rule_allows_it() -> None:
    publisher = a_publisher("pub", a_link(rules=Rules(events=("pull_request_target",))))
    (miss,) = refusal(a_job(event_name="pull_request_target"), publisher).near_misses
    assert [(check.field, check.wanted) for check in miss.failed] == [("event", "not pull_request_target")]


@pytest.mark.parametrize(
    ("links", "pending"),
    [
        ((), False),
        ((a_link(),), False),
        ((a_link(pending_until=1),), True),
        ((a_link(pending_until=1), a_link()), False),
    ],
)
def test_a_publisher_is_pending_while_none_of_its_projects_is_real(links: tuple[Link, ...], *, pending: bool) -> None:
    assert replace(a_publisher(), links=links).pending is pending


def test_nothing_is_pinned_unless_that_was_asked_for() -> None:
    assert not Publisher(id="pub", issuer=ISSUER, kind="github", fields={}).pin_on_first_use
