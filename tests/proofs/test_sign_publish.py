# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub publish`` that signs: a real index that names a real Sigstore, and what becomes of it when that fails."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trustpub.cli.main import _run
from trustpub.http import Http
from trustpub.index.bootstrap.opening import open_folder
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.attested import write_config
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.issuers import GitHubIssuer, Run
from trustpub.rehearsal.plays.github import GitHubPlay
from trustpub.rehearsal.processes import Children
from trustpub.rehearsal.sigstore.server import CERTIFICATE_PATH, ENTRIES_PATH, LocalSigstore

from .dists import wheel
from .local import Failing, fails

AUDIENCE = "sigstore:localhost"
RUN = Run(repository="acme/hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release")
_NUMBERS = itertools.count(1)


@dataclass
class Stage:
    """An index, the Sigstore that it names, and the job that may publish there."""

    index: ThrowawayIndex
    sigstore: Failing
    play: GitHubPlay
    folder: Path

    def provenance(self, filename: str) -> Mapping[str, Any] | None:
        version = filename.split("-")[1]
        url = f"{self.index.url}/integrity/hello/{version}/{filename}/provenance?all"
        with Http(env={}, ca=str(self.index.ca)) as http:
            answer = http.request("GET", url, headers={"Accept": "application/json"})
        found: Mapping[str, Any] | None = json.loads(answer.body) if answer.status == 200 else None
        return found

    def policy(self, attestations: str) -> None:
        with open_folder(self.index.data, create=False) as opened, opened.store.write() as writing:
            project = writing.project("hello")
            assert project is not None
            writing.set_policy(project.id, trusted_only=False, attestations=attestations)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


Publish = Callable[..., Ran]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = Folder(path=tmp_path_factory.mktemp("stage"))
    folder.make()
    with Failing(audiences=(AUDIENCE, "sigstore")) as sigstore, Children() as children:
        listening = indexes.start(children, folder, os.environ, trust_config=write_config(sigstore, folder.path))
        with GitHubIssuer(clock=time.time) as issuer:
            issuer.serve(RUN)
            sigstore.believe(issuer.url, "github", issuer.jwks)
            up = indexes.await_ready(listening, folder)
            play = GitHubPlay(issuer=issuer, identity=RUN)
            indexes.register(up.data, "hello", "github", issuer.url, play.fields)
            yield Stage(index=up, sigstore=sigstore, play=play, folder=folder.path)


@pytest.fixture
def publish(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Publish]:
    """Publish files as the job, with more options and variables."""
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "ACTIONS_", "CI", "GITLAB_", "HTTPS_", "https_")):
            monkeypatch.delenv(name)
    for name, value in stage.play.variables(stage.index.audience).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    stage.sigstore.asked.clear()

    def run(*arguments: object, **variables: str) -> Ran:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        options = ("--index", stage.index.url, "--ca", stage.index.ca)
        code = _run([str(one) for one in ("publish", *arguments, *options)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, re.sub(r"::add-mask::.*\n", "", said.out), re.sub(r"::add-mask::.*\n", "", said.err))

    yield run
    stage.sigstore.instead.clear()


def files(folder: Path, count: int = 1) -> list[Path]:
    """New ones, that nobody has published."""
    made = []
    for _ in range(count):
        version = f"1.{next(_NUMBERS)}"
        path = folder / f"hello-{version}-py3-none-any.whl"
        path.write_bytes(wheel("hello", version))
        made.append(path)
    return made


def test_what_an_index_names_is_signed_with_and_served_as_provenance(
    publish: Publish, stage: Stage, tmp_path: Path
) -> None:
    dists = files(tmp_path, 3)
    ran = publish(*dists)
    assert ran.code == 0, ran.said
    assert "3 signed as this job" in ran.out
    for dist in dists:
        found = stage.provenance(dist.name)
        assert found is not None
        (bundle,) = found["attestation_bundles"]
        assert bundle["publisher"]["signed_as"]["source_repository_uri"] == "https://github.com/acme/hello"
    # One identity for all, and one that is of no use to the public instance.
    shown = [one.headers["authorization"] for one in stage.sigstore.asked if "authorization" in one.headers]
    assert len(shown) == 1
    payload = shown[0].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["aud"] == AUDIENCE


def test_the_index_tells_everybody_which_instance_it_believes(stage: Stage) -> None:
    with Http(env={}, ca=str(stage.index.ca)) as http:
        told = json.loads(http.request("GET", f"{stage.index.url}/.well-known/pytp?discover=%2Flegacy%2F").body)
        assert told["sigstore-trust-config"].startswith(f"{stage.index.url}/")
        config = http.request("GET", told["sigstore-trust-config"])
    assert (config.status, config.headers["content-type"]) == (200, "application/json")
    assert json.loads(config.body) == stage.sigstore.trust_config()
    with open_folder(stage.index.data, create=False) as opened:
        assert [root.name for root in opened.trust()] == ["public-good", "own"]


@pytest.mark.parametrize(
    ("path", "status"), [(CERTIFICATE_PATH, 500), (ENTRIES_PATH, 500), (CERTIFICATE_PATH, 400), (ENTRIES_PATH, 400)]
)
def test_an_outage_is_a_choice_and_no_lost_release(
    path: str, status: int, publish: Publish, stage: Stage, tmp_path: Path
) -> None:
    stage.sigstore.instead[path] = [fails(status, "maintenance")]
    (dist,) = files(tmp_path)
    ran = publish(dist, "--attestations", "required")
    assert ran.code in (1, 4)
    assert "maintenance" in ran.err
    assert "Nothing was published, since attestations are required" in ran.err
    assert "gave an upload token" not in ran.said
    ran = publish(dist)
    assert ran.code == 0, ran.said
    assert "maintenance" in ran.err
    assert "The release goes on without attestations" in ran.err
    assert stage.provenance(dist.name) is None
    stage.sigstore.asked.clear()
    (dist,) = files(tmp_path)
    ran = publish(dist, "--attestations", "off")
    assert (ran.code, ran.err) == (0, "")
    assert stage.sigstore.asked == []


def test_an_outage_in_the_midst_sends_all_files_without(publish: Publish, stage: Stage, tmp_path: Path) -> None:
    stage.sigstore.instead[ENTRIES_PATH] = [None, None, fails(400, "full")]
    dists = files(tmp_path, 4)
    ran = publish(*dists)
    assert ran.code == 0, ran.said
    assert [stage.provenance(dist.name) for dist in dists] == [None] * 4


def test_an_identity_for_the_wrong_audience_is_refused_and_said(
    publish: Publish, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.sigstore, "_audiences", frozenset({"sigstore"}))
    (dist,) = files(tmp_path)
    ran = publish(dist, "--attestations", "required")
    assert ran.code == 1
    assert "the identity token is for another audience" in ran.err
    ran = publish(dist)
    assert ran.code == 0
    assert "The release goes on without attestations" in ran.err


def test_where_a_project_demands_attestations_an_outage_publishes_nothing_at_all(
    publish: Publish, stage: Stage, tmp_path: Path
) -> None:
    publish(*files(tmp_path))
    stage.policy("required")
    try:
        dists = files(tmp_path, 3)
        stage.sigstore.instead[ENTRIES_PATH] = [None, fails(400, "full")]
        ran = publish(*dists)
        assert ran.code == 1, ran.said
        assert "attestation-required" in ran.err
        stage.sigstore.instead.clear()
        ran = publish(*dists)
        assert ran.code == 0, ran.said
        assert all(stage.provenance(dist.name) for dist in dists)
    finally:
        stage.policy("optional")


def test_what_is_there_already_is_not_signed_again(publish: Publish, stage: Stage, tmp_path: Path) -> None:
    dists = files(tmp_path)
    assert publish(*dists).code == 0
    stage.sigstore.asked.clear()
    assert publish(*dists, "--attestations", "required").code == 0
    assert stage.sigstore.asked == []


def test_a_person_may_name_another_instance_and_the_index_believes_its_own_only(
    publish: Publish, stage: Stage, tmp_path: Path
) -> None:
    with LocalSigstore() as other:
        other.believe(stage.play.issuer.url, "github", stage.play.issuer.jwks)
        config = tmp_path / "other.json"
        config.write_text(json.dumps(other.trust_config()))
        (dist,) = files(tmp_path)
        ran = publish(dist, "--trust-config", config, "--attestations", "required")
        assert ran.code == 1
        assert "no trust root here knows" in ran.err
    assert stage.sigstore.asked == []
    config.write_text(json.dumps(stage.sigstore.trust_config()))
    ran = publish(dist, "--trust-config", config, "--attestations", "required")
    assert ran.code == 0, ran.said
    assert stage.provenance(dist.name) is not None


@pytest.mark.parametrize("mode", ["required", "auto"])
def test_the_public_instance_out_of_reach_is_a_choice_too(
    mode: str, publish: Publish, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustpub.client.attesting._ISSUERS_OF_PUBLIC", frozenset({stage.play.issuer.url}))
    (dist,) = files(tmp_path)
    options = ("--trust-config", "public-good", "--attestations", mode)
    # Nobody listens where the proxy should be: not a packet leaves this machine.
    ran = publish(dist, *options, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="localhost")
    assert "tuf-repo-cdn.sigstore.dev" in ran.err
    assert ran.code == (4 if mode == "required" else 0), ran.said
    assert ("The release goes on without" in ran.err) is (mode == "auto")


def test_the_public_instance_is_not_even_asked_for_an_issuer_that_it_does_not_know(
    publish: Publish, stage: Stage, tmp_path: Path
) -> None:
    (dist,) = files(tmp_path)
    ran = publish(dist, "--trust-config", "public-good", HTTPS_PROXY="http://127.0.0.1:9")
    assert ran.code == 0
    assert "get no certificate there" in ran.out
    assert "tuf-repo" not in ran.said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--attestations", "off", "--trust-config", "x.json"], "not to sign at all"),
        (["--attestations", "required", "--trust-config", "nothing.json"], "cannot be read"),
        (["--attestations", "sometimes"], "sometimes"),
    ],
)
def test_what_makes_no_sense_is_said(options: list[str], words: str, publish: Publish, tmp_path: Path) -> None:
    ran = publish(*files(tmp_path), *options)
    assert ran.code == 2
    assert words in ran.err


def test_no_identity_token_for_signing_is_in_anything_that_is_said(
    publish: Publish, stage: Stage, tmp_path: Path
) -> None:
    before = len(stage.play.issuer.given)
    ran = publish(*files(tmp_path), "-v")
    given = stage.play.issuer.given[before:]
    assert len(given) == 2
    for token in given:
        assert token.reveal() not in ran.said
