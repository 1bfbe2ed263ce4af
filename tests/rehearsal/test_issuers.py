# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated GitHub, seen by somebody else's library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import jwt
import pytest

from trustpub.rehearsal.issuers import BACKDATED, LIFETIME, GitHubIssuer, Run
from trustpub.secret import Secret
from trustpub.trust.claims import SignedClaims
from trustpub.trust.providers.github import Identity

NOW = 1_790_000_000.0
RUN = Run(
    repository="Acme/Hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release",
    ref="refs/tags/v1", sha="a" * 40,
)  # fmt: skip


@pytest.fixture
def issuer() -> Iterator[GitHubIssuer]:
    with GitHubIssuer(clock=lambda: NOW) as made:
        yield made


def get(url: str, bearer: str | None = None) -> dict[str, Any]:
    headers = {} if bearer is None else {"Authorization": f"bearer {bearer}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
        return cast("dict[str, Any]", json.load(answer))


def verified(issuer: GitHubIssuer, token: str, audience: str) -> dict[str, Any]:
    """Claims, after PyJWT found the keys by discovery and checked all it checks but the time, which stands still."""
    discovery = get(f"{issuer.url}/.well-known/openid-configuration")
    assert discovery["issuer"] == issuer.url
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token, key, algorithms=discovery["id_token_signing_alg_values_supported"], audience=audience,
        issuer=issuer.url, options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )  # fmt: skip


def test_a_job_gets_a_token_for_the_audience_it_asks_for(issuer: GitHubIssuer) -> None:
    issuer.serve(RUN)
    answer = get(f"{issuer.request_url}&audience=some_index", issuer.request_token.reveal())
    claims = verified(issuer, answer["value"], "some_index")
    assert claims["repository"] == "Acme/Hello"
    assert claims["job_workflow_ref"] == "Acme/Hello/.github/workflows/release.yml@refs/tags/v1"
    assert (claims["iat"], claims["exp"], claims["nbf"]) == (NOW, NOW + LIFETIME, NOW - BACKDATED)
    assert issuer.given == (Secret(answer["value"]),)


def test_each_token_is_another(issuer: GitHubIssuer) -> None:
    tokens = [issuer.token(RUN, "a").reveal() for _ in range(3)]
    assert len({jwt.decode(one, options={"verify_signature": False})["jti"] for one in tokens}) == 3


def test_the_trust_core_reads_its_claims_as_those_of_github(issuer: GitHubIssuer) -> None:
    claims = SignedClaims(verified(issuer, issuer.token(RUN, "a").reveal(), "a"))
    identity = Identity.from_claims(claims)
    assert identity.repository == RUN.repository
    assert identity.job_workflow_ref == "Acme/Hello/.github/workflows/release.yml@refs/tags/v1"
    assert identity.environment == RUN.environment
    assert (identity.owner_id, identity.repository_id) == ("77", "501")


def test_a_reusable_workflow_is_the_called_file_and_the_caller_is_told_too(issuer: GitHubIssuer) -> None:
    claims = replace(RUN, workflow="pub.yml", started_by="release.yml").claims()
    assert "/pub.yml@" in claims["job_workflow_ref"]
    assert "/release.yml@" in claims["workflow_ref"]


@pytest.mark.parametrize(
    ("run", "subject"),
    [
        (RUN, "repo:Acme@77/Hello@501:environment:release"),
        (replace(RUN, environment=None), "repo:Acme@77/Hello@501:ref:refs/tags/v1"),
        (replace(RUN, environment="a:b"), "repo:Acme@77/Hello@501:environment:a%3Ab"),
    ],
)
def test_the_subject_has_the_form_of_2026(run: Run, subject: str) -> None:
    claims = run.claims()
    assert claims["sub"] == subject
    assert ("environment" in claims) == (run.environment is not None)


@pytest.mark.parametrize("bearer", [None, "", "wrong", "ünlaut"])
def test_only_the_job_may_ask(issuer: GitHubIssuer, bearer: str | None) -> None:
    issuer.serve(RUN)
    quoted = None if bearer is None else bearer.encode().decode("latin-1")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(f"{issuer.request_url}&audience=a", quoted)
    with refusal.value as answer:
        assert answer.code == 401
    assert issuer.given == ()


def test_nothing_else_is_there_and_nobody_runs_before_the_job_begins(issuer: GitHubIssuer) -> None:
    for url, bearer, status in (
        (f"{issuer.url}/", None, 404),
        (issuer.request_url, issuer.request_token.reveal(), 403),
    ):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            get(url, bearer)
        with refusal.value as answer:
            assert answer.code == status


@pytest.mark.parametrize(
    "name",
    [
        "https://token.actions.githubusercontent.com", "https://github.com", "https://nottest", "https://a.test.example",
        "http://127.0.0.1.example", "", "https://", "https://[",
    ],
)  # fmt: skip
def test_it_signs_for_no_issuer_that_anybody_believes(issuer: GitHubIssuer, name: str) -> None:
    with pytest.raises(ValueError, match="only"):
        issuer.token(RUN, "a", issuer=name)


@pytest.mark.parametrize("name", ["https://forge.test", "http://localhost:1", "http://127.0.0.1:1"])
def test_it_signs_for_rehearsals(issuer: GitHubIssuer, name: str) -> None:
    token = issuer.token(RUN, "a", issuer=name, age=1000)
    claims = jwt.decode(token.reveal(), options={"verify_signature": False})
    assert (claims["iss"], claims["exp"]) == (name, NOW - 1000 + LIFETIME)


def test_the_private_key_and_the_tokens_stay_inside(issuer: GitHubIssuer) -> None:
    keys = get(f"{issuer.url}/.well-known/jwks")["keys"]
    assert [set(key) & {"d", "p", "q", "dp", "dq", "qi"} for key in keys] == [set()]
    assert issuer.token(RUN, "a").reveal() not in repr(issuer.token(RUN, "a"))
    assert issuer.request_token.reveal() not in str(issuer.request_token)


def test_claims_may_be_changed_but_not_to_deceive_anybody(issuer: GitHubIssuer) -> None:
    token = issuer.token(RUN, "a", changes={"jti": "", "aud": ["a", "b"]})
    claims = jwt.decode(token.reveal(), options={"verify_signature": False})
    assert (claims["jti"], claims["aud"]) == ("", ["a", "b"])
    with pytest.raises(ValueError, match="only"):
        issuer.token(RUN, "a", changes={"iss": "https://token.actions.githubusercontent.com"})


def test_whoever_watches_sees_every_token() -> None:
    seen: list[Secret] = []
    with GitHubIssuer(clock=lambda: NOW, watch=seen.append) as issuer:
        made = issuer.token(RUN, "a")
    assert seen == [made]
