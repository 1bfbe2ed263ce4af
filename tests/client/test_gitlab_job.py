# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of GitLab CI: its identity token stands in a variable that its own file names."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.ci.gitlab import variables
from trustpub.errors import NoIdentity
from trustpub.http import Http


@pytest.mark.parametrize(
    ("audience", "names"),
    [
        ("pypi", ("PYPI_ID_TOKEN",)),
        ("my-own.index", ("MY_OWN_INDEX_ID_TOKEN",)),
        ("https://index.example/", ("HTTPS___INDEX_EXAMPLE__ID_TOKEN",)),
        ("under_score", ("UNDER_SCORE_ID_TOKEN",)),
        ("1http://x", ("_HTTP___X_ID_TOKEN", "1HTTP___X_ID_TOKEN")),
    ],
)
def test_the_variable_is_spelled_as_both_libraries_spell_it(audience: str, names: tuple[str, ...]) -> None:
    assert variables(audience) == names


def test_the_token_of_the_variable_is_the_jobs_identity(http: Http, make: Any) -> None:
    job = detect({"GITLAB_CI": "true", "TEST_INDEX_ID_TOKEN": make.jwt("test_index"), "PYPI_ID_TOKEN": "x"})
    assert job.name == "GitLab CI"
    assert job.identity_token(http, "test_index").reveal() == make.jwt("test_index")
    assert job.identity_token(http, "test_index") == job.identity_token(http, "test_index")


def test_either_spelling_is_found(http: Http, make: Any) -> None:
    for name in variables("9lives"):
        job = detect({"GITLAB_CI": "true", name: make.jwt("9lives")})
        assert job.identity_token(http, "9lives").reveal() == make.jwt("9lives")


@pytest.mark.parametrize("value", [None, ""])
def test_a_job_without_one_is_told_what_to_write(http: Http, value: str | None) -> None:
    job = detect({"GITLAB_CI": "true", **({} if value is None else {"MY_INDEX_ID_TOKEN": value})})
    with pytest.raises(NoIdentity) as caught:
        job.identity_token(http, "my-index")
    assert "MY_INDEX_ID_TOKEN is not set" in caught.value.message
    assert "    id_tokens:\n      MY_INDEX_ID_TOKEN:\n        aud: my-index\n" in str(caught.value.hint)


@pytest.mark.parametrize("audience", ["elsewhere", ["test_index", "elsewhere"], None])
def test_a_variable_with_a_token_for_somebody_else_is_not_used(http: Http, make: Any, audience: Any) -> None:
    job = detect({"GITLAB_CI": "true", "TEST_INDEX_ID_TOKEN": make.jwt(audience)})
    with pytest.raises(NoIdentity, match="not for the audience") as caught:
        job.identity_token(http, "test_index")
    assert "aud: test_index" in str(caught.value.hint)


@pytest.mark.parametrize("value", ["false", "1", "TRUE", ""])
def test_only_true_means_gitlab(value: str) -> None:
    with pytest.raises(NoIdentity, match="GITLAB_CI=true"):
        detect({"GITLAB_CI": value, "PYPI_ID_TOKEN": "x", "NO_GCE_CHECK": "true"})


def test_nothing_about_a_job_shows_its_tokens(make: Any) -> None:
    assert make.jwt("x") not in repr(detect({"GITLAB_CI": "true", "X_ID_TOKEN": make.jwt("x")}))


MINT = "/_/oidc/mint-token"
GITLAB = {"GITHUB_ACTIONS": None, "GITLAB_CI": "true"}


def test_a_release_from_gitlab_shows_the_token_of_its_variable(run: Any, index: Any, dist: Any, make: Any) -> None:
    ran = run("publish", "--index", index.url, **GITLAB, TEST_INDEX_ID_TOKEN=make.jwt("test_index"))
    assert (ran.code, ran.err) == (0, "")
    assert "GitLab CI vouches for this job" in ran.out
    assert make.jwt("test_index") not in ran.out
    assert "::add-mask::" not in ran.out
    assert any(make.jwt("test_index").encode() in asked.body for asked in index.asked if asked.path == MINT)


def test_a_refusal_says_what_gitlab_says_of_the_job(run: Any, index: Any, make: Any) -> None:
    index.answer("/_/oidc/mint-token", make.Answer(status=422, body={"message": "no"}))
    claims = {"aud": "test_index", "project_path": "group/project", "project_id": "20", "ref_path": "refs/tags/v1"}
    claims |= {"ci_config_ref_uri": "gitlab.com/group/project//.gitlab-ci.yml@refs/tags/v1"}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    ran = run("mint", "--print", "--index", index.url, **GITLAB, TEST_INDEX_ID_TOKEN=f"e30.{payload}.e30")
    assert ran.code == 1
    for said in ("project_path: group/project", "project_id: 20", "environment: (none)", "ref_path: refs/tags/v1"):
        assert said in ran.err


def test_without_the_variable_the_command_ends_with_three(run: Any, index: Any, dist: Any) -> None:
    ran = run("mint", "--print", "--index", index.url, **GITLAB)
    assert (ran.code, ran.out) == (3, "")
    assert "TEST_INDEX_ID_TOKEN:" in ran.err
