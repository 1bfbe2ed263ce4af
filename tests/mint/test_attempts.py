# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is kept of identities that were refused, who may read it, and what is kept of tokens that prove nothing."""

from __future__ import annotations

import json
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.index import attempts
from trustpub.index.kept import Issuer
from trustpub.protocol.exchange import Minted, Problem
from trustpub.trust.publishers import Link, Rules

URL = "https://ci.example"
STRANGER = {
    "repository": "octo-org/other",
    "job_workflow_ref": "octo-org/other/.github/workflows/release.yml@refs/tags/v1",
}
WRONG = {"job_workflow_ref": "octo-org/hello/.github/workflows/test.yml@refs/tags/v1"}


def test_the_maintainer_of_the_nearest_project_reads_who_came_and_what_was_wanted(bench: Any) -> None:
    bench.refused(**WRONG, run_id="77", actor="ada")
    (attempt,) = bench.attempts("project-1")
    assert (attempt.issuer, attempt.kind, attempt.count, attempt.peer) == (URL, "github", 1, "192.0.2.7")
    assert attempt.first == attempt.last == bench.clock.now
    assert "workflow is 'test.yml', wanted 'release.yml'" in attempt.reasons[0]
    assert attempt.claims["run_id"] == "77"
    assert "actor" not in attempt.claims
    assert bench.attempts(None) == []
    assert bench.events() == []


def test_an_identity_near_nobody_is_kept_for_administrators_only(bench: Any) -> None:
    bench.refused(**STRANGER)
    (attempt,) = bench.attempts(None)
    assert attempt.claims["repository"] == "octo-org/other"
    assert bench.attempts("project-1") == []


def test_the_same_refusal_again_is_counted_whatever_the_run(bench: Any) -> None:
    for number in range(5):
        bench.clock.now += 3
        bench.refused(**WRONG, jti=f"j{number}", run_id=str(number))
    (attempt,) = bench.attempts("project-1")
    assert (attempt.count, attempt.last - attempt.first) == (5, 12)


def test_other_reasons_are_another_attempt(bench: Any) -> None:
    bench.refused(**WRONG)
    bench.refused(environment="staging")
    assert len(bench.attempts("project-1")) == 2


def test_a_project_reads_of_its_own_publishers_only(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    bench.add_publisher("pub-2", links=(Link(project_id="project-2", project="Extras"),), environment="staging")
    bench.refused(environment="prod")
    (first,), (second,) = bench.attempts("project-1"), bench.attempts("project-2")
    assert [len(first.reasons), len(second.reasons)] == [1, 1]
    assert "Hello" in first.reasons[0]
    assert "release" in first.reasons[0]
    assert "Extras" not in " ".join(first.reasons)
    assert "Hello" not in " ".join(second.reasons)
    assert "staging" in second.reasons[0]


def test_where_only_the_rules_of_projects_fail_each_reads_its_own(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    with bench.store.write() as writing:
        writing.link_publisher("pub-1", "project-1", Rules(ref="refs/heads/main"))
        writing.link_publisher("pub-1", "project-2", Rules(events=("release",)))
    bench.refused()
    (first,), (second,) = bench.attempts("project-1"), bench.attempts("project-2")
    assert "refs/heads/main" in first.reasons[0]
    assert "release" not in first.reasons[0].partition("refs/heads/main")[2]
    assert "wanted 'release'" in second.reasons[0]
    assert "refs/heads/main" not in second.reasons[0]


def test_publishers_that_nobody_can_tell_apart_are_told_to_all_their_projects(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    links = (Link(project_id="project-2", project="Extras"),)
    called = "octo-org/shared/.github/workflows/publish.yml@refs/tags/"
    bench.add_publisher("pub-2", workflow=f"{called}*")
    bench.add_publisher("pub-3", links=links, workflow=f"{called}v*")
    bench.refused(job_workflow_ref=f"{called}v1")
    for project in ("project-1", "project-2"):
        (attempt,) = bench.attempts(project)
        assert attempt.reasons[0].startswith("2 publishers match equally well")


def test_a_project_keeps_a_hundred_and_the_unattached_are_a_thousand_at_most(bench: Any) -> None:
    for number in range(attempts.PER_PROJECT + 5):
        bench.clock.now += 3
        bench.refused(environment=f"env-{number}")
    kept = bench.attempts("project-1")
    assert len(kept) == attempts.PER_PROJECT == 100
    assert f"env-{attempts.PER_PROJECT + 4}" in kept[0].reasons[0]
    assert attempts.UNATTACHED == 1000


def test_long_claims_are_cut_and_all_together_fit_into_four_kibibytes(bench: Any) -> None:
    long = "x" * 3000
    bench.refused(**WRONG, environment=long, sha=long, run_id='"' * 300, run_attempt="\u00e9" * 300)
    (attempt,) = bench.attempts("project-1")
    assert max(map(len, attempt.claims.values())) == 300
    assert len(json.dumps(dict(attempt.claims))) <= 4096
    kept = attempts.fitting({f"claim-{number}": "\u00e9" * 200 for number in range(20)})
    assert 1 <= len(kept) < 20
    assert len(json.dumps(kept)) <= attempts.MAX_CLAIMS_BYTES


def test_nothing_is_kept_of_who_proves_nothing_but_a_count_of_causes(bench: Any) -> None:
    forger = RSAKey.generate_key(2048, parameters={"kid": "key-1"})
    forged = jwt.encode({"alg": "RS256", "kid": "key-1"}, bench.claims(**WRONG, sub="evil words"), forger)
    for _ in range(5):
        bench.refused(forged)
        bench.clock.now += 600
    assert bench.attempts("project-1") == []
    assert bench.attempts(None) == []
    (event,) = bench.events()
    assert (event.kind, event.project_id, event.facts["cause"]) == ("identity-refused", None, "signature")
    assert "evil" not in json.dumps(dict(event.facts))


def test_the_cause_of_every_refusal_before_the_decision_has_a_name_for_administrators(bench: Any) -> None:
    asked: dict[str, dict[str, Any]] = {
        "audience": {"aud": "pypi"},
        "expired": {"exp": int(bench.clock.now) - 30},
        "early": {"nbf": int(bench.clock.now) + 31},
        "age": {"iat": int(bench.clock.now) - 90_000},
        "lifetime": {"exp": int(bench.clock.now) + 90_000},
        "claims": {"exp": "soon"},
        "unknown-issuer": {"iss": "https://elsewhere.example\x1b"},
    }
    for changes in asked.values():
        bench.refused(**changes)
    bench.refused(header={"kid": "key-9"})
    bench.refused(header={"typ": "at+jwt"})
    bench.refused("no token")
    found = {event.facts["cause"]: event for event in bench.events("identity-refused")}
    assert set(found) == {*asked, "unknown-key", "header", "malformed"}
    assert found["audience"].facts["repository"] == "octo-org/hello"
    assert "'pypi'" in found["audience"].facts["why"]
    assert "repository" not in found["header"].facts
    assert found["unknown-issuer"].facts["issuer"] == r"https://elsewhere.example\x1b"


def test_a_missing_or_empty_jti_is_refused_where_the_provider_gives_one(bench: Any) -> None:
    for changes, said in (({"jti": None}, "'jti' is missing"), ({"jti": ""}, "'jti' is empty")):
        problem = bench.refused(**changes)
        assert (problem.status, problem.code) == (422, "invalid-publisher")
        assert said in problem.detail


def test_the_same_cause_is_noted_once_a_minute_where_the_issuer_signed_and_once_an_hour_where_not(bench: Any) -> None:
    for _ in range(3):
        for _ in range(4):
            bench.refused(aud="pypi")
            bench.refused(header={"kid": "key-9"})
            bench.clock.now += 16
    causes = [event.facts["cause"] for event in bench.events()]
    assert (causes.count("audience"), causes.count("unknown-key")) == (3, 1)
    bench.clock.now += 3600
    bench.refused(header={"kid": "key-9"})
    assert len(bench.events()) == 5


def test_a_claim_that_the_provider_did_not_have_is_noted_once_even_across_a_restart(bench: Any) -> None:
    for number in range(3):
        bench.minted(jti=f"a{number}", new_claim="x", repo_property_team="y")
    bench.another_mint().mint(bench.body(jti="b", new_claim="x"), "192.0.2.7")
    (event,) = bench.events("issuer-changed")
    assert (event.project_id, event.facts) == (None, {"issuer": URL, "claims": ["new_claim"]})
    bench.minted(jti="c", new_claim="x", newer_claim="y")
    assert bench.events("issuer-changed")[0].facts["claims"] == ["newer_claim"]


def test_an_issuer_that_changes_without_end_is_noted_within_bounds(bench: Any) -> None:
    for number in range(8):
        bench.minted(jti=f"n{number}", **{f"claim_{number}_{one}": "x" for one in range(50)})
    assert sum(len(event.facts["claims"]) for event in bench.events("issuer-changed")) == 200


def test_an_address_that_fails_too_often_waits_and_another_does_not(bench: Any) -> None:
    for _ in range(120):
        assert bench.mint.mint(b"{}", "192.0.2.7").status == 422
    blocked = bench.try_mint()
    assert isinstance(blocked, Problem)
    assert (blocked.status, blocked.code) == (429, "rate-limited")
    assert blocked.retry_after is not None
    assert 1 <= blocked.retry_after <= 60
    assert isinstance(bench.mint.preflight(bench.body(), "192.0.2.7"), Problem)
    assert isinstance(bench.try_mint(peer="198.51.100.9"), Minted)
    bench.clock.now += blocked.retry_after
    bench.minted(jti="later")


def test_an_identity_that_is_refused_too_often_waits_and_another_does_not(bench: Any) -> None:
    for number in range(30):
        assert bench.refused(environment=f"env-{number}").code == "invalid-publisher"
    blocked = bench.try_mint()
    assert isinstance(blocked, Problem)
    assert (blocked.status, blocked.code, blocked.retry_after) == (429, "rate-limited", 60)
    assert bench.refused(**STRANGER).code == "invalid-publisher"
    assert len(bench.attempts("project-1")) == 30
    bench.clock.now += 60
    bench.minted()


def test_what_succeeds_is_never_counted(bench: Any) -> None:
    for number in range(130):
        bench.minted(jti=f"j{number}")


def test_an_issuer_that_is_down_is_nobodys_failure_and_says_when_to_come_back(bench: Any) -> None:
    bench.keys.down = True
    for _ in range(130):
        problem = bench.refused()
        assert (problem.status, problem.code, problem.retry_after) == (503, "issuer-unavailable", 17)
    bench.keys.down = False
    bench.minted()
    (event,) = bench.events("identity-refused")
    assert event.facts["cause"] == "issuer-down"


def test_an_issuer_of_a_kind_that_this_version_does_not_know_is_unknown(bench: Any) -> None:
    with bench.store.write() as writing:
        writing.put_issuer(Issuer(url="https://odd.example", kind="of-tomorrow"))
    assert bench.refused(iss="https://odd.example").detail == "unknown trusted publishing issuer"
