# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A build of Jenkins: a credential of the plugin oidc-provider, bound to a variable."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity
from trustpub.http import Http

BUILD = {"JENKINS_URL": "https://jenkins.example.org/"}
BINDING = "withCredentials([string(credentialsId: 'ID', variable: 'TEST_INDEX_ID_TOKEN')])"


@pytest.mark.parametrize("audience", ["test_index", ["test_index"]])
def test_the_token_that_was_bound_is_the_builds_identity(http: Http, make: Any, audience: Any) -> None:
    job = detect({**BUILD, "TEST_INDEX_ID_TOKEN": make.jwt(audience), "PYPI_ID_TOKEN": "x"})
    assert (job.name, job.renews, job.fixed_audience) == ("Jenkins", False, None)
    assert job.identity_token(http, "test_index").reveal() == make.jwt(audience)


@pytest.mark.parametrize("value", [None, ""])
def test_a_build_without_one_is_told_what_to_write(http: Http, value: str | None) -> None:
    job = detect({**BUILD, **({} if value is None else {"TEST_INDEX_ID_TOKEN": value})})
    with pytest.raises(NoIdentity, match="TEST_INDEX_ID_TOKEN is not set") as caught:
        job.identity_token(http, "test_index")
    assert BINDING in str(caught.value.hint)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("/var/jenkins/secretFiles/x", "not a JSON Web Token"),
        ("nonsense", "not a JSON Web Token"),
        ([], "not for the audience"),
        (["test_index", "elsewhere"], "not for the audience"),
        ("", "not for the audience"),
    ],
)
def test_a_token_for_others_or_none_is_not_shown(http: Http, make: Any, value: Any, problem: str) -> None:
    bound = value if value and isinstance(value, str) else make.jwt(value)
    with pytest.raises(NoIdentity, match=problem):
        detect({**BUILD, "TEST_INDEX_ID_TOKEN": bound}).identity_token(http, "test_index")


def test_a_token_for_another_audience_is_told_with_the_binding(http: Http, make: Any) -> None:
    with pytest.raises(NoIdentity, match="not for the audience") as caught:
        detect({**BUILD, "TEST_INDEX_ID_TOKEN": make.jwt("elsewhere")}).identity_token(http, "test_index")
    assert BINDING in str(caught.value.hint)


def test_without_an_address_it_is_not_jenkins(make: Any) -> None:
    with pytest.raises(NoIdentity, match="JENKINS_URL"):
        detect({"JENKINS_URL": "", "X_ID_TOKEN": make.jwt("x"), "NO_GCE_CHECK": "true"})


def test_nothing_about_a_build_shows_its_tokens(make: Any) -> None:
    assert make.jwt("x") not in repr(detect({**BUILD, "X_ID_TOKEN": make.jwt("x")}))


def test_a_token_is_minted_from_a_build_of_jenkins(run: Any, index: Any, make: Any) -> None:
    env = {**BUILD, "TEST_INDEX_ID_TOKEN": make.jwt(["test_index"]), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    assert "Jenkins vouches for this job" in ran.err
