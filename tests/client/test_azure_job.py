# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Azure Pipelines: its server gives tokens for one audience only, which may be shown to others as well."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.ci.azure import AUDIENCE
from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity, Unreachable
from trustpub.http import Http

PATH = "/org/proj/_apis/distributedtask/hubs/build/plans/p/jobs/j/oidctoken"
ACCESS = "the-access-token-of-the-job"
MAPPING = "SYSTEM_ACCESSTOKEN: $(System.AccessToken)"


@pytest.fixture
def server(plain: Any, make: Any) -> Any:
    """That of Azure DevOps."""
    plain.answer(PATH, make.Answer(body={"oidcToken": make.jwt(AUDIENCE)}))
    return plain


@pytest.fixture
def job(server: Any) -> dict[str, str]:
    """The variables of a job."""
    return {"TF_BUILD": "True", "SYSTEM_OIDCREQUESTURI": server.url + PATH, "SYSTEM_ACCESSTOKEN": ACCESS}


def test_the_server_is_asked_with_the_jobs_own_token(http: Http, job: dict[str, str], server: Any, make: Any) -> None:
    found = detect(job)
    assert (found.name, found.renews, found.fixed_audience) == ("Azure Pipelines", True, AUDIENCE)
    assert found.identity_token(http, AUDIENCE).reveal() == make.jwt(AUDIENCE)
    (asked,) = server.asked
    assert (asked.method, asked.query, asked.body) == ("POST", {"api-version": ["7.1"]}, b"")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"


def test_an_address_with_a_query_keeps_it(http: Http, job: dict[str, str], server: Any) -> None:
    detect(job | {"SYSTEM_OIDCREQUESTURI": f"{server.url}{PATH}?a=b"}).identity_token(http, AUDIENCE)
    assert server.asked[0].query == {"a": ["b"], "api-version": ["7.1"]}


@pytest.mark.parametrize("audience", ["test_index", "sigstore", ""])
def test_no_token_is_asked_for_by_who_wants_one_for_himself(
    http: Http, job: dict[str, str], server: Any, audience: str
) -> None:
    with pytest.raises(NoIdentity, match=f"tokens are for {AUDIENCE}"):
        detect(job).identity_token(http, audience)
    assert server.asked == []


@pytest.mark.parametrize(
    ("changes", "named", "word"),
    [
        ({"SYSTEM_ACCESSTOKEN": ""}, "SYSTEM_ACCESSTOKEN is", MAPPING),
        ({"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}, "SYSTEM_ACCESSTOKEN is", MAPPING),
        ({"SYSTEM_ACCESSTOKEN": "", "SYSTEM_OIDCREQUESTURI": ""}, "SYSTEM_OIDCREQUESTURI are", MAPPING),
        ({"SYSTEM_OIDCREQUESTURI": ""}, "SYSTEM_OIDCREQUESTURI is", "update the agent"),
        ({"SYSTEM_OIDCREQUESTURI": "http://dev.azure.example/x"}, "SYSTEM_OIDCREQUESTURI cannot be used", "https"),
        ({"SYSTEM_OIDCREQUESTURI": "nonsense"}, "SYSTEM_OIDCREQUESTURI cannot be used", ""),
    ],
)
def test_a_job_that_cannot_ask_is_told_what_to_set(
    job: dict[str, str], changes: dict[str, str], named: str, word: str
) -> None:
    with pytest.raises(NoIdentity) as caught:
        detect(job | changes)
    assert named in caught.value.message
    assert word in str(caught.value.hint)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>sign in</html>", "without a token"),
        ({"token": "x"}, "without a token"),
        ({"oidcToken": None}, "without a token"),
        ({"oidcToken": "two.parts"}, "not a JSON Web Token"),
        ({"oidcToken": "e30.e30.e30"}, "not for the audience"),
    ],
)
def test_an_answer_that_is_no_token_is_told_and_never_shown(
    http: Http, job: dict[str, str], server: Any, make: Any, body: Any, problem: str
) -> None:
    server.answer(PATH, make.Answer(body=body))
    with pytest.raises(NoIdentity, match=problem):
        detect(job).identity_token(http, AUDIENCE)


def test_a_refusal_is_no_identity_and_a_busy_server_is_unreachable(
    http: Http, job: dict[str, str], server: Any, make: Any
) -> None:
    server.answer(PATH, make.Answer(status=401, body=b"no"))
    with pytest.raises(NoIdentity, match="401") as caught:
        detect(job).identity_token(http, AUDIENCE)
    assert MAPPING in str(caught.value.hint)
    server.answer(PATH, make.Answer(status=302, headers={"Location": "https://login.example/?x"}))
    with pytest.raises(Unreachable, match="redirect"):
        detect(job).identity_token(http, AUDIENCE)
    server.answer(PATH, make.Answer(status=503))
    with pytest.raises(Unreachable, match="busy"):
        detect(job).identity_token(http, AUDIENCE)


@pytest.mark.parametrize("value", ["true", "1", "TRUE", ""])
def test_only_true_with_a_capital_means_azure(job: dict[str, str], value: str) -> None:
    with pytest.raises(NoIdentity, match="TF_BUILD=True"):
        detect(job | {"TF_BUILD": value, "NO_GCE_CHECK": "true"})


def test_nothing_about_a_job_shows_its_access_token(job: dict[str, str]) -> None:
    assert ACCESS not in repr(detect(job))


def test_an_index_gets_no_such_token_unless_the_person_says_so(
    run: Any, index: Any, job: dict[str, str], server: Any, make: Any
) -> None:
    env = {**job, "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (1, "")
    assert f"--accept-shared-audience {AUDIENCE}" in ran.err
    assert server.asked == []
    ran = run("mint", "--print", "--index", index.url, "--accept-shared-audience", AUDIENCE, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    assert make.jwt(AUDIENCE).encode() in index.asked[-1].body
    masks = [line for line in ran.err.splitlines() if line.startswith("##vso[task.setsecret]")]
    assert masks == [f"##vso[task.setsecret]{one}" for one in (make.jwt(AUDIENCE), make.TOKEN)]
    shown = "\n".join(line for line in ran.err.splitlines() if line not in masks)
    assert make.jwt(AUDIENCE) not in shown
    assert make.TOKEN not in shown
