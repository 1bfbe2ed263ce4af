# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Forgejo Actions: GitHub's variables, and another word in the workflow."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity, Unreachable
from trustpub.http import Http

FORGEJO = {"FORGEJO_ACTIONS": "true", "GITEA_ACTIONS": "true"}


def test_forgejo_is_told_from_github_and_asked_as_it(http: Http, env: dict[str, str], runner: Any, make: Any) -> None:
    job = detect(env | FORGEJO)
    assert (job.name, job.renews, job.fixed_audience) == ("Forgejo Actions", True, None)
    assert job.identity_token(http, "a/b&c").reveal() == make.jwt("a/b&c")
    assert runner.asked[0].query["audience"] == ["a/b&c"]
    assert runner.asked[0].headers["authorization"] == f"Bearer {make.REQUEST_TOKEN}"
    assert detect(env | {"FORGEJO_ACTIONS": "false"}).name == "GitHub Actions"


@pytest.mark.parametrize("missing", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_without_the_permission_forgejos_own_word_is_named(env: dict[str, str], missing: str) -> None:
    with pytest.raises(NoIdentity, match=f"{missing} is not set") as caught:
        detect({**env, **FORGEJO, missing: ""})
    assert "    enable-openid-connect: true\n" in str(caught.value.hint)


@pytest.mark.parametrize("url", ["http://forgejo.internal:3000/x", "nonsense", "https://a:b@forgejo.example/"])
def test_an_endpoint_that_would_leak_the_request_is_refused(env: dict[str, str], url: str) -> None:
    with pytest.raises(NoIdentity, match="ACTIONS_ID_TOKEN_REQUEST_URL cannot be used"):
        detect({**env, **FORGEJO, "ACTIONS_ID_TOKEN_REQUEST_URL": url})


@pytest.mark.parametrize(
    ("status", "body", "error", "problem"),
    [
        (500, b"", Unreachable, "Forgejo's identity endpoint is busy"),
        (403, b"no", NoIdentity, "Forgejo's identity endpoint refuses"),
        (200, b"<html>", NoIdentity, "without a token"),
        (200, {"value": ""}, NoIdentity, "without a token"),
        (200, {"value": "e30.e30.e30"}, NoIdentity, "not for the audience"),
    ],
)
def test_failures_are_told(
    http: Http, env: dict[str, str], runner: Any, make: Any, status: int, body: Any, error: Any, problem: str
) -> None:
    runner.answer("/idtoken", make.Answer(status=status, body=body))
    with pytest.raises(error, match=problem):
        detect(env | FORGEJO).identity_token(http, "here")


def test_nothing_about_a_job_shows_its_request_token(env: dict[str, str], make: Any) -> None:
    assert make.REQUEST_TOKEN not in repr(detect(env | FORGEJO))


def test_a_token_is_minted_from_a_job_of_forgejo(run: Any, index: Any, make: Any) -> None:
    ran = run("mint", "--print", "--index", index.url, **FORGEJO)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, make.TOKEN)
    assert "Forgejo Actions vouches for this job" in ran.err
