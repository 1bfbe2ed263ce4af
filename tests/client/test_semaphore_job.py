# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Semaphore: one token, whose audience is the organisation's address."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity
from trustpub.http import Http

ORGANISATION = "https://octo-org.semaphoreci.com"


@pytest.mark.parametrize("audience", [ORGANISATION, [ORGANISATION]])
def test_the_token_is_given_to_who_asks_for_its_own_audience(http: Http, make: Any, audience: Any) -> None:
    job = detect({"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": make.jwt(audience)})
    assert (job.name, job.renews, job.fixed_audience) == ("Semaphore", False, ORGANISATION)
    assert job.identity_token(http, ORGANISATION).reveal() == make.jwt(audience)


@pytest.mark.parametrize("audience", ["test_index", "sigstore", ""])
def test_and_to_nobody_else(http: Http, make: Any, audience: str) -> None:
    job = detect({"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": make.jwt(ORGANISATION)})
    with pytest.raises(NoIdentity, match=f"tokens are for {ORGANISATION}"):
        job.identity_token(http, audience)


@pytest.mark.parametrize("value", [None, ""])
def test_a_job_without_one_is_told_where_it_comes_from(value: str | None) -> None:
    with pytest.raises(NoIdentity, match="SEMAPHORE_OIDC_TOKEN is not set") as caught:
        detect({"SEMAPHORE": "true", **({} if value is None else {"SEMAPHORE_OIDC_TOKEN": value})})
    assert "docker run --env SEMAPHORE_OIDC_TOKEN" in str(caught.value.hint)


@pytest.mark.parametrize("audience", [[ORGANISATION, "elsewhere"], [], None, 5, ""])
def test_a_token_that_is_not_for_one_audience_is_not_shown(make: Any, audience: Any) -> None:
    with pytest.raises(NoIdentity, match="not for one audience"):
        detect({"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": make.jwt(audience)})


@pytest.mark.parametrize("value", ["x", "a.b.c d", "e30.W10.e30"])
def test_a_value_that_is_no_token_is_told(value: str) -> None:
    with pytest.raises(NoIdentity, match="not a JSON"):
        detect({"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": value})


@pytest.mark.parametrize("value", ["false", "1", ""])
def test_only_true_means_semaphore(make: Any, value: str) -> None:
    with pytest.raises(NoIdentity, match="SEMAPHORE=true"):
        detect({"SEMAPHORE": value, "SEMAPHORE_OIDC_TOKEN": make.jwt(ORGANISATION), "NO_GCE_CHECK": "true"})


def test_nothing_about_a_job_shows_its_token(make: Any) -> None:
    token = make.jwt(ORGANISATION)
    assert token not in repr(detect({"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": token}))


def test_an_index_gets_it_only_if_the_person_says_so(run: Any, index: Any, make: Any) -> None:
    env = {"SEMAPHORE": "true", "SEMAPHORE_OIDC_TOKEN": make.jwt(ORGANISATION), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (1, "")
    assert f"--accept-shared-audience {ORGANISATION}" in ran.err
    ran = run("mint", "--print", "--index", index.url, "--accept-shared-audience", ORGANISATION, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
