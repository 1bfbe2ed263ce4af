# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job on Google Cloud: the metadata server, and standing in for another account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trustpub.ci import google
from trustpub.ci.google import Google, detect
from trustpub.errors import NoIdentity, TrustpubError, Unreachable
from trustpub.http import Http

MINT = "/_/oidc/mint-token"
SERVER = "/computeMetadata/v1/instance/service-accounts/default"
GOOGLE = {"Metadata-Flavor": "Google"}
EMAIL = "ci@proj.iam.gserviceaccount.com"
IAM = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateIdToken"


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(env={"HTTPS_PROXY": "http://127.0.0.1:9"}, sleep=lambda seconds: None) as one:
        yield one


@pytest.fixture
def metadata(plain: Any, make: Any) -> Any:
    """A metadata server."""
    plain.answer(
        f"{SERVER}/identity",
        lambda asked: make.Answer(body=make.jwt(asked.query["audience"][0]).encode(), headers=GOOGLE),
    )
    plain.answer(f"{SERVER}/token", make.Answer(body={"access_token": "ya29.c.x", "expires_in": 9}, headers=GOOGLE))
    plain.answer(IAM, lambda asked: make.Answer(body={"token": make.jwt(json.loads(asked.body)["audience"])}))
    return plain


def on(server: Any, **more: str) -> Google:
    """The job on a machine whose metadata server is ``server``, which plays IAM as well."""
    job = detect({"GCE_METADATA_HOST": f"127.0.0.1:{server.port}", **more})
    assert job is not None
    return replace(job, iam=server.url)


def test_the_metadata_server_vouches_for_the_machines_account(http: Http, metadata: Any, make: Any) -> None:
    assert on(metadata).identity_token(http, "a/b&c").reveal() == make.jwt("a/b&c")
    (asked,) = metadata.asked
    assert asked.query == {"audience": ["a/b&c"], "format": ["full"]}
    assert asked.headers["metadata-flavor"] == "Google"


def test_one_may_stand_in_for_another_account(http: Http, metadata: Any, make: Any) -> None:
    job = on(metadata, GOOGLE_SERVICE_ACCOUNT_NAME=EMAIL)
    assert job.identity_token(http, "here").reveal() == make.jwt("here")
    first, second = metadata.asked
    assert first.query == {"scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
    assert second.headers["authorization"] == "Bearer ya29.c.x"
    assert json.loads(second.body) == {"audience": "here", "includeEmail": True}
    assert second.path == IAM


@pytest.mark.parametrize("name", google.ACCESS_TOKENS)
def test_an_access_token_of_the_environment_is_used_first(http: Http, metadata: Any, name: str) -> None:
    job = on(metadata, GOOGLE_SERVICE_ACCOUNT_NAME=EMAIL, **{name: "ya29.given"})
    job.identity_token(http, "here")
    (asked,) = metadata.asked
    assert asked.headers["authorization"] == "Bearer ya29.given"
    assert "ya29.given" not in repr(job)


def test_without_an_access_token_it_is_said_where_to_get_one(http: Http, plain: Any) -> None:
    with pytest.raises(NoIdentity, match="GOOGLE_SERVICE_ACCOUNT_NAME is set, but") as caught:
        on(plain, GOOGLE_SERVICE_ACCOUNT_NAME=EMAIL).identity_token(http, "here")
    assert "CLOUDSDK_AUTH_ACCESS_TOKEN" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("path", "status", "body", "headers", "kind", "said"),
    [
        ("identity", 404, b"", GOOGLE, NoIdentity, "answers 404"),
        ("identity", 200, b"a.b.c", {}, NoIdentity, "something else"),
        ("identity", 200, b"no token", GOOGLE, NoIdentity, "not a JSON Web Token"),
        ("identity", 200, b"\xff", GOOGLE, NoIdentity, "not a JSON Web Token"),
        ("identity", 503, b"", GOOGLE, Unreachable, "busy"),
        ("token", 200, b"{}", GOOGLE, NoIdentity, "`access_token`"),
        ("token", 200, b"[[[", GOOGLE, NoIdentity, "`access_token`"),
        ("token", 200, b'{"access_token": "a\\nX: b"}', GOOGLE, NoIdentity, "`access_token`"),
        ("token", 503, b"", GOOGLE, Unreachable, "no access token"),
        ("iam", 403, b"{}", {}, NoIdentity, "answers 403"),
        ("iam", 429, b"{}", {}, Unreachable, "busy"),
        ("iam", 200, b'{"token": 5}', {}, NoIdentity, "`token`"),
        ("iam", 200, b'{"token": "e30.e30.e30"}', {}, NoIdentity, "not for the audience"),
    ],
)
def test_what_is_no_token_is_told_and_never_shown(
    http: Http, metadata: Any, make: Any, path: str, status: int, body: bytes, headers: dict[str, str],
    kind: type[TrustpubError], said: str,
) -> None:  # fmt: skip
    place = IAM if path == "iam" else f"{SERVER}/{path}"
    metadata.answer(place, make.Answer(status=status, body=body, headers=headers))
    env = {} if path == "identity" else {"GOOGLE_SERVICE_ACCOUNT_NAME": EMAIL}
    with pytest.raises(kind, match=said):
        on(metadata, **env).identity_token(http, "here")


@pytest.mark.parametrize(
    ("env", "recognised"),
    [
        ({}, False),
        ({"GOOGLE_CLOUD_PROJECT": "x", "CI": "true"}, False),
        ({"GOOGLE_SERVICE_ACCOUNT_NAME": EMAIL}, True),
        ({"GCE_METADATA_HOST": "metadata"}, True),
        ({"CLOUD_RUN_JOB": "release"}, True),
        ({"GOOGLE_SERVICE_ACCOUNT_NAME": "", "GCE_METADATA_HOST": ""}, False),
    ],
)
def test_the_environment_says_google_without_a_question(env: dict[str, str], recognised: bool, tmp_path: Path) -> None:
    assert (detect(env, tmp_path / "absent") is not None) == recognised


@pytest.mark.parametrize(
    ("name", "recognised"),
    [("Google\n", True), ("Google Compute Engine\n", True), ("Google Chromebook", False), ("", False)],
)
def test_the_machines_product_name_says_it_too(name: str, recognised: bool, tmp_path: Path) -> None:
    (tmp_path / "product_name").write_text(name, "utf-8")
    found = detect({}, tmp_path / "product_name")
    assert (found is not None) == recognised
    assert detect({"NO_GCE_CHECK": "true"}, tmp_path / "product_name") is None
    if found is not None:
        assert found.metadata == "http://metadata.google.internal"


@pytest.mark.parametrize("host", ["metadata/", "a b/c", "user:secret@host", "host?x", "host#x", "host:port", "[", ":1"])
def test_a_metadata_host_that_is_none_is_refused_without_being_shown(host: str) -> None:
    with pytest.raises(NoIdentity, match="GCE_METADATA_HOST is not a host") as caught:
        detect({"GCE_METADATA_HOST": host})
    assert "secret" not in str(caught.value)


def test_github_and_gitlab_go_before_the_machine_they_run_on(env: dict[str, str]) -> None:
    from trustpub.ci.detection import detect as anywhere

    machine = {"GCE_METADATA_HOST": "metadata.google.internal"}
    assert anywhere({**env, **machine}).name == "GitHub Actions"
    assert anywhere({"GITLAB_CI": "true", **machine}).name == "GitLab CI"
    assert anywhere(machine).name == "Google Cloud"


def test_a_release_from_google_cloud(run: Any, index: Any, metadata: Any, dist: Path, make: Any) -> None:
    ran = run("publish", "--index", index.url, GITHUB_ACTIONS=None, GCE_METADATA_HOST=f"127.0.0.1:{metadata.port}")
    assert (ran.code, ran.err) == (0, "")
    assert "Google Cloud vouches for this job" in ran.out
    assert any(make.jwt("test_index").encode() in asked.body for asked in index.asked if asked.path == MINT)
