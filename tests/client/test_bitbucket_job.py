# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A step of Bitbucket Pipelines: one token, for the audiences that the step names."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity
from trustpub.http import Http

STEP = {"BITBUCKET_BUILD_NUMBER": "7"}
YAML = "    oidc:\n      audiences:\n        - test_index\n"


@pytest.mark.parametrize("audience", ["test_index", ["test_index"]])
def test_the_token_of_the_step_is_its_identity(http: Http, make: Any, audience: Any) -> None:
    job = detect({**STEP, "BITBUCKET_STEP_OIDC_TOKEN": make.jwt(audience)})
    assert (job.name, job.renews, job.fixed_audience) == ("Bitbucket Pipelines", False, None)
    assert job.identity_token(http, "test_index").reveal() == make.jwt(audience)


@pytest.mark.parametrize("value", [None, ""])
def test_a_step_without_one_is_told_what_to_write(http: Http, value: str | None) -> None:
    job = detect({**STEP, **({} if value is None else {"BITBUCKET_STEP_OIDC_TOKEN": value})})
    with pytest.raises(NoIdentity, match="BITBUCKET_STEP_OIDC_TOKEN is not set") as caught:
        job.identity_token(http, "test_index")
    assert YAML in str(caught.value.hint)


@pytest.mark.parametrize(
    ("audience", "problem"),
    [
        ("ari:cloud:bitbucket::workspace/d7b8", "not for the audience"),
        (["test_index", "elsewhere"], "not for the audience"),
        ([], "not for the audience"),
        (None, "not for the audience"),
    ],
)
def test_a_token_for_others_is_not_shown(http: Http, make: Any, audience: Any, problem: str) -> None:
    job = detect({**STEP, "BITBUCKET_STEP_OIDC_TOKEN": make.jwt(audience)})
    with pytest.raises(NoIdentity, match=problem) as caught:
        job.identity_token(http, "test_index")
    assert YAML in str(caught.value.hint)


@pytest.mark.parametrize("value", ["x", "a.b", "::error::x\n.b.c"])
def test_a_value_that_is_no_token_is_never_shown(http: Http, value: str) -> None:
    with pytest.raises(NoIdentity, match="not a JSON Web Token") as caught:
        detect({**STEP, "BITBUCKET_STEP_OIDC_TOKEN": value}).identity_token(http, "test_index")
    assert "::" not in str(caught.value)


def test_without_a_build_number_it_is_not_bitbucket(make: Any) -> None:
    with pytest.raises(NoIdentity, match="BITBUCKET_BUILD_NUMBER"):
        detect({"BITBUCKET_STEP_OIDC_TOKEN": make.jwt("x"), "NO_GCE_CHECK": "true"})


def test_nothing_about_a_step_shows_its_token(make: Any) -> None:
    assert make.jwt("x") not in repr(detect({**STEP, "BITBUCKET_STEP_OIDC_TOKEN": make.jwt("x")}))


def test_a_token_is_minted_from_a_step_of_bitbucket(run: Any, index: Any, make: Any) -> None:
    env = {**STEP, "BITBUCKET_STEP_OIDC_TOKEN": make.jwt("test_index"), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    ran = run("mint", "--print", "--index", index.url, **{**env, "BITBUCKET_STEP_OIDC_TOKEN": None})
    assert (ran.code, ran.out) == (3, "")
    assert "- test_index" in ran.err
