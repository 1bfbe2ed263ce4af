# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated machine of Google Cloud and the emulated GitLab job, asked by the parts that a real job runs."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from trustpub.ci import gitlab, google
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.rehearsal.issuers import Account, GitLabIssuer, GoogleIssuer, PipelineJob
from trustpub.secret import Secret

ACCOUNT = Account(email="ci@proj.iam.gserviceaccount.com", sub="117306")


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(env={}) as one:
        yield one


@pytest.fixture
def machine() -> Iterator[GoogleIssuer]:
    with GoogleIssuer(clock=time.time) as made:
        made.serve(ACCOUNT)
        yield made


def claims(token: Secret) -> dict[str, Any]:
    part = token.reveal().split(".")[1]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def test_the_machine_vouches_for_its_account(http: Http, machine: GoogleIssuer) -> None:
    job = google.detect({"GCE_METADATA_HOST": machine.metadata_host})
    assert job is not None
    token = job.identity_token(http, "here")
    said = claims(token)
    assert (said["email"], said["email_verified"], said["sub"]) == (ACCOUNT.email, True, "117306")
    assert "compute_engine" in said["google"]
    assert machine.given == (token,)


def test_it_may_stand_in_for_its_account_over_iam(http: Http, machine: GoogleIssuer) -> None:
    env = {"GCE_METADATA_HOST": machine.metadata_host, "GOOGLE_SERVICE_ACCOUNT_NAME": ACCOUNT.email}
    job = google.detect(env)
    assert job is not None
    assert claims(replace(job, iam=machine.origin).identity_token(http, "here"))["email"] == ACCOUNT.email
    other = google.detect({**env, "GOOGLE_SERVICE_ACCOUNT_NAME": "other@proj.iam.gserviceaccount.com"})
    assert other is not None
    with pytest.raises(NoIdentity, match="403"):
        replace(other, iam=machine.origin).identity_token(http, "here")
    stranger = replace(job, iam=machine.origin, access_token=Secret("ya29.wrong"))
    with pytest.raises(NoIdentity, match="401"):
        stranger.identity_token(http, "here")


def test_a_token_that_nobody_wanted_the_address_in_has_none(http: Http, machine: GoogleIssuer) -> None:
    access = json.loads(ask(machine, "/computeMetadata/v1/instance/service-accounts/default/token"))["access_token"]
    path = f"{machine.origin}/v1/projects/-/serviceAccounts/{ACCOUNT.email}:generateIdToken"
    headers = {"Authorization": f"Bearer {access}"}
    answer = http.request("POST", path, headers=headers, body=b'{"audience": "here"}')
    assert "email" not in claims(Secret(json.loads(answer.body)["token"]))
    for body in (b"", b"[]", b"{}"):
        assert http.request("POST", path, headers=headers, body=body).status == 400


def ask(machine: GoogleIssuer, path: str, *, flavor: bool = True) -> bytes:
    headers = {"Metadata-Flavor": "Google"} if flavor else {}
    with urllib.request.urlopen(urllib.request.Request(machine.origin + path, headers=headers), timeout=5) as answer:
        body: bytes = answer.read()
        return body


@pytest.mark.parametrize(
    ("path", "flavor", "status"),
    [
        ("/computeMetadata/v1/instance/service-accounts/default/identity?audience=a", False, 403),
        ("/computeMetadata/v1/instance/service-accounts/default/identity", True, 400),
        ("/computeMetadata/v1/instance/id", True, 404),
        ("/", True, 404),
    ],
)
def test_the_metadata_server_answers_as_the_real_one(
    machine: GoogleIssuer, path: str, flavor: bool, status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(machine, path, flavor=flavor)
    with refusal.value as answer:
        assert answer.code == status
    assert machine.given == ()


def test_gitlab_puts_one_token_for_an_audience_into_the_jobs_variables(http: Http) -> None:
    job = PipelineJob(project_path="g/s/p", project_id="20", namespace_id="72", environment="release")
    with GitLabIssuer(clock=time.time) as issuer:
        given = issuer.variables(job, "my_index")
        assert list(given) == ["MY_INDEX_ID_TOKEN"]
        env = {"GITLAB_CI": "true", **{name: token.reveal() for name, token in given.items()}}
        found = gitlab.detect(env)
        assert found is not None
        said = claims(found.identity_token(http, "my_index"))
    host = issuer.url.removeprefix("http://")
    assert said["ci_config_ref_uri"] == f"{host}/g/s/p//.gitlab-ci.yml@refs/heads/main"
    assert (said["namespace_path"], said["ref_protected"], said["runner_id"]) == ("g/s", "true", 1)
    assert said["iat"] - said["nbf"] == 5
