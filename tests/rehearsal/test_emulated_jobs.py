# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an emulated CI lends to a job: programs, endpoints, files; asked as a real job asks, and by who must not."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

from trustpub.ci import azure, buildkite, circleci, forgejo
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.rehearsal.emulated.azure import AUDIENCE, AzureIssuer, AzureRun
from trustpub.rehearsal.emulated.buildkite import BuildkiteIssuer, BuildkiteJob
from trustpub.rehearsal.emulated.circleci import CircleIssuer, CircleJob
from trustpub.rehearsal.emulated.forgejo import ForgejoIssuer, ForgejoRun
from trustpub.rehearsal.placed import placed
from trustpub.rehearsal.plays.azure import AzurePlay
from trustpub.rehearsal.plays.buildkite import BuildkitePlay
from trustpub.rehearsal.plays.circleci import CirclePlay
from trustpub.rehearsal.plays.forgejo import ForgejoPlay
from trustpub.rehearsal.plays.play import Play
from trustpub.secret import Secret

CIRCLE = CircleJob(repository="acme/hello", org_id="o", project_id="p", pipeline_definition_id="d")
AGENT = BuildkiteJob(organization="acme", pipeline="hello", organization_id="o", pipeline_id="p")
RUN = AzureRun(
    organization="acme", project="hello", pipeline="release", organization_id="o", project_id="p", definition_id="1",
    repository_id="r",
)  # fmt: skip
FORGE = ForgejoRun(repository="acme/hello", repository_id="5", owner_id="7", workflow="release.yml")


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(env={}) as one:
        yield one


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token.strip(), options={"verify_signature": False})


def run(env: Mapping[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=dict(env), capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def circle() -> Iterator[CirclePlay]:
    with CircleIssuer(clock=time.time) as issuer:
        issuer.serve(CIRCLE)
        yield CirclePlay(issuer=issuer, identity=CIRCLE)


@pytest.fixture
def agent() -> Iterator[BuildkitePlay]:
    with BuildkiteIssuer(clock=time.time) as issuer:
        issuer.serve(AGENT)
        yield BuildkitePlay(issuer=issuer, identity=AGENT)


def lent(play: Play, folder: Path) -> Any:
    env = {"PATH": os.environ["PATH"], **play.variables("an-index")}
    return placed(folder / "job", play.programs, play.files("an-index"), env)


def test_circleci_takes_its_arguments_in_any_order(circle: CirclePlay, tmp_path: Path) -> None:
    wanted = json.dumps({"aud": "an-index"})
    with lent(circle, tmp_path) as env:
        first = run(env, "circleci", "run", "oidc", "get", "--claims", wanted, "--root-issuer")
        other = run(env, "circleci", "run", "oidc", "get", "--root-issuer", "--claims", wanted)
    for done in (first, other):
        assert (done.returncode, done.stderr) == (0, "")
        assert (claims(done.stdout)["iss"], claims(done.stdout)["aud"]) == (circle.issuer.url, "an-index")
    assert len(circle.issuer.given) == 2


def test_circleci_gives_a_token_of_the_organisation_where_nobody_asks_for_the_root(
    circle: CirclePlay, tmp_path: Path
) -> None:
    with lent(circle, tmp_path) as env:
        done = run(env, "circleci", "run", "oidc", "get")
        for variable in ("CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"):
            assert claims(env[variable])["aud"] == "o"
    assert (claims(done.stdout)["iss"], claims(done.stdout)["aud"]) == (f"{circle.issuer.url}/org/o", "o")


def test_circleci_says_why_there_is_no_token(circle: CirclePlay, tmp_path: Path) -> None:
    with lent(circle, tmp_path) as env:
        assert "not a JSON object" in run(env, "circleci", "run", "oidc", "get", "--claims", "[]").stderr
        assert run(env, "circleci", "version").returncode == 2
    gone = CircleIssuer(clock=time.time)
    gone.close()
    with lent(CirclePlay(issuer=gone, identity=CIRCLE), tmp_path) as env:
        done = run(env, "circleci", "run", "oidc", "get", "--root-issuer")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no OIDC token" in done.stderr


def test_circleci_gives_nothing_without_a_job_or_to_who_asks_otherwise() -> None:
    with CircleIssuer(clock=time.time) as nobody:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            post(nobody.door_url, {"claims": {}, "root_issuer": True})
        with pytest.raises(urllib.error.HTTPError, match="404"):
            post(f"{nobody.origin}/guessed", {"claims": {}, "root_issuer": True})
        nobody.serve(CIRCLE)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            post(nobody.door_url, {"claims": []})


def post(url: str, body: object) -> None:
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request, timeout=5).close()


def test_buildkite_puts_ids_into_a_token_only_where_the_job_asks_for_them(agent: BuildkitePlay, tmp_path: Path) -> None:
    asked = ("buildkite-agent", "oidc", "request-token", "--audience", "an-index")
    with lent(agent, tmp_path) as env:
        none = claims(run(env, *asked).stdout)
        flag = claims(run(env, *asked, "--claim", "organization_id,pipeline_id").stdout)
        several = claims(run(env, *asked, "--claim", "pipeline_id", "--lifetime", "60").stdout)
        variable = claims(run({**env, "BUILDKITE_OIDC_TOKEN_CLAIMS": "organization_id,pipeline_id"}, *asked).stdout)
    assert none["aud"] == "an-index"
    assert not {"organization_id", "pipeline_id"} & set(none)
    assert (flag["organization_id"], flag["pipeline_id"]) == ("o", "p") == (variable["organization_id"], "p")
    assert {"organization_id", "pipeline_id"} & set(several) == {"pipeline_id"}


def test_buildkite_gives_no_token_for_another_job_or_to_another_agent(agent: BuildkitePlay, tmp_path: Path) -> None:
    asked = ("buildkite-agent", "oidc", "request-token", "--audience", "an-index")
    with lent(agent, tmp_path) as env:
        for changes in ({"BUILDKITE_AGENT_ACCESS_TOKEN": "guessed"}, {"BUILDKITE_JOB_ID": "another"}):
            done = run({**env, **changes}, *asked)
            assert (done.returncode, done.stdout) == (1, "")
            assert "could not obtain OIDC token" in done.stderr
    assert agent.issuer.given == ()


def test_our_detectors_find_what_the_emulated_programs_give(
    circle: CirclePlay, agent: BuildkitePlay, http: Http, tmp_path: Path
) -> None:
    with lent(circle, tmp_path) as env:
        job = circleci.detect(env)
        assert job is not None
        assert claims(job.identity_token(http, "an-index").reveal())["iss"] == circle.issuer.url
    with lent(agent, tmp_path) as env:
        other = buildkite.detect(env)
        assert other is not None
        assert claims(other.identity_token(http, "an-index").reveal())["pipeline_id"] == "p"


def test_azure_gives_every_token_for_one_audience_to_who_has_the_access_token(http: Http) -> None:
    with AzureIssuer(clock=time.time) as issuer:
        play = AzurePlay(issuer=issuer, identity=RUN)
        job = azure.detect(play.variables("an-index"))
        assert job is not None
        with pytest.raises(NoIdentity):  # no job runs yet
            job.identity_token(http, AUDIENCE)
        issuer.serve(RUN)
        assert claims(job.identity_token(http, AUDIENCE).reveal())["aud"] == AUDIENCE
        stranger = azure.detect({**play.variables("an-index"), "SYSTEM_ACCESSTOKEN": "guessed"})
        assert stranger is not None
        with pytest.raises(NoIdentity):
            stranger.identity_token(http, AUDIENCE)
        assert len(issuer.given) == 1


def test_forgejo_is_asked_as_github_and_tells_the_place_of_the_file(http: Http) -> None:
    with ForgejoIssuer(clock=time.time) as issuer:
        issuer.serve(replace(FORGE, ref="refs/tags/v1"))
        play = ForgejoPlay(issuer=issuer, identity=FORGE)
        job = forgejo.detect(play.variables("an-index"))
        assert job is not None
        told = claims(job.identity_token(http, "an-index").reveal())
        assert told["workflow_ref"] == "acme/hello/.forgejo/workflows/release.yml@refs/tags/v1"
        stranger = forgejo.detect({**play.variables("an-index"), "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "guessed"})
        assert stranger is not None
        with pytest.raises(NoIdentity):
            stranger.identity_token(http, "an-index")


def test_what_is_placed_is_for_its_owner_only_and_gone_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    env = {"PATH": "/usr/bin"}
    with placed(folder, {"tool": "#!/bin/sh\necho here\n"}, {"TOKEN_FILE": Secret("a-token")}, env) as seen:
        token = Path(seen["TOKEN_FILE"])
        modes = [path.stat().st_mode & 0o777 for path in (folder, folder / "tool", token)]
        assert (token.read_text("utf-8"), modes) == ("a-token", [0o700, 0o700, 0o600])
        assert run(seen, "tool").stdout == "here\n"
    assert not folder.exists()
    assert env == {"PATH": "/usr/bin"}
    with pytest.raises(RuntimeError, match="broken"), placed(folder, {}, {"TOKEN_FILE": Secret("a-token")}, env):
        raise RuntimeError("broken")
    assert not folder.exists()
    with placed(folder, {}, {}, env) as seen:
        assert seen == env
