# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity, Unreachable
from trustpub.http import Http


def test_a_job_gives_a_token_for_the_audience_asked(http: Http, env: dict[str, str], runner: Any, make: Any) -> None:
    token = detect(env).identity_token(http, "a/b&c=d")
    assert token.reveal() == make.jwt("a/b&c=d")
    (asked,) = runner.asked
    assert asked.query == {"api-version": ["2.0"], "audience": ["a/b&c=d"]}
    assert asked.headers["authorization"] == f"Bearer {make.REQUEST_TOKEN}"


def test_an_audience_as_a_list_of_one_is_good(http: Http, env: dict[str, str], runner: Any, make: Any) -> None:
    runner.answer("/idtoken", make.Answer(body={"value": make.jwt(["here"])}))
    assert detect(env).identity_token(http, "here").reveal()


def test_a_url_without_a_query_gets_one(http: Http, env: dict[str, str], runner: Any) -> None:
    env["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{runner.url}/idtoken"
    assert detect(env).identity_token(http, "here").reveal()


@pytest.mark.parametrize("value", [None, "", "false", "TRUE", "1"])
def test_only_true_means_github_actions(env: dict[str, str], value: str | None) -> None:
    variables = {**env, "GITHUB_ACTIONS": value} if value is not None else {"CI": "true", "NO_GCE_CHECK": "true"}
    with pytest.raises(NoIdentity) as caught:
        detect(variables)
    assert "GITHUB_ACTIONS=true" in caught.value.message
    assert "trustpub rehearse" in str(caught.value.hint)


@pytest.mark.parametrize("missing", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_without_the_permission_the_variable_and_the_mend_are_named(env: dict[str, str], missing: str) -> None:
    with pytest.raises(NoIdentity) as caught:
        detect({**env, missing: ""})
    assert f"{missing} is not set" in caught.value.message
    assert "id-token: write" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("event", "word"),
    [
        ({"pull_request": {"head": {"repo": {"fork": True}}}}, "fork"),
        ({"pull_request": {"head": {"repo": {"fork": False}}}}, "id-token: write"),
        ({"pull_request": {"head": {"repo": None}}}, "id-token: write"),
        ([], "id-token: write"),
    ],
)
def test_a_pull_request_from_a_fork_is_told_that_it_gets_none(tmp_path: Path, event: object, word: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    with pytest.raises(NoIdentity) as caught:
        detect({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)})
    assert word in str(caught.value.hint)


@pytest.mark.parametrize("url", ["http://runner.example/idtoken", "nonsense", "https://a:b@runner.example/"])
def test_an_endpoint_that_would_leak_the_request_is_refused(env: dict[str, str], url: str) -> None:
    with pytest.raises(NoIdentity, match="ACTIONS_ID_TOKEN_REQUEST_URL cannot be used"):
        detect({**env, "ACTIONS_ID_TOKEN_REQUEST_URL": url})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>", "without a token"),
        (b"[]", "without a token"),
        (b"[" * 100_000, "without a token"),
        ({"token": "x"}, "without a token"),
        ({"value": 1}, "without a token"),
        ({"value": ""}, "without a token"),
        ({"value": "two.parts"}, "not a JSON Web Token"),
        ({"value": "a.b.c\n::add-mask::x"}, "not a JSON Web Token"),
        ({"value": "e30.bm90IGpzb24.e30"}, "not a JSON object"),
        ({"value": "e30.W10.e30"}, "not a JSON object"),
        ({"value": "e30.e30.e30"}, "not for the audience"),
    ],
)
def test_an_answer_that_is_no_token_is_told_and_never_shown(
    http: Http, env: dict[str, str], runner: Any, make: Any, body: Any, problem: str
) -> None:
    runner.answer("/idtoken", make.Answer(body=body))
    with pytest.raises(NoIdentity, match=problem):
        detect(env).identity_token(http, "here")


@pytest.mark.parametrize("audience", ["elsewhere", ["here", "elsewhere"], [], None, 5])
def test_a_token_for_somebody_else_is_not_used(
    http: Http, env: dict[str, str], runner: Any, make: Any, audience: Any
) -> None:
    runner.answer("/idtoken", make.Answer(body={"value": make.jwt(audience)}))
    with pytest.raises(NoIdentity, match="not for the audience"):
        detect(env).identity_token(http, "here")


def test_a_refusal_is_no_identity_and_a_busy_endpoint_is_unreachable(
    http: Http, env: dict[str, str], runner: Any, make: Any
) -> None:
    runner.answer("/idtoken", make.Answer(status=403, body=b"no"))
    with pytest.raises(NoIdentity, match="403"):
        detect(env).identity_token(http, "here")
    runner.answer("/idtoken", make.Answer(status=503))
    with pytest.raises(Unreachable, match="busy"):
        detect(env).identity_token(http, "here")
    runner.answer(
        "/idtoken", make.Answer(status=503), make.Answer(status=500), make.Answer(body={"value": make.jwt("here")})
    )
    assert detect(env).identity_token(http, "here").reveal()


def test_nothing_about_a_job_shows_its_request_token(env: dict[str, str], make: Any) -> None:
    assert make.REQUEST_TOKEN not in repr(detect(env))
