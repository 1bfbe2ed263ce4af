# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""ActiveState's builder, played against a real index."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.rehearsal.conftest import an_sdist
from trustpub.client.files import Distribution, collect
from trustpub.client.indexes import Index, resolve
from trustpub.errors import Declined, Misuse
from trustpub.http import Http
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.activestate import Builder, PypiPublisher
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import Registration, ThrowawayIndex
from trustpub.rehearsal.issuers import ActiveStateIssuer, Artifact
from trustpub.rehearsal.processes import Children

ARTIFACT = Artifact(
    organization="Acme Org", project="hello", actor="ada", actor_id="00000000-0000-1000-8000-000000000002"
)
FIELDS = {"organization": "Acme Org", "project": "hello", "actor_id": ARTIFACT.actor_id}


@dataclass(frozen=True, kw_only=True)
class Stage:
    index: ThrowawayIndex
    platform: ActiveStateIssuer
    http: Http
    registration: Registration
    files: Sequence[Distribution]

    @property
    def uri(self) -> str:
        return self.index.url.removeprefix("https://")

    def builder(self, artifact: Artifact = ARTIFACT) -> Builder:
        return Builder(self.platform, artifact, self.http)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    folder = Folder(path=tmp_path)
    folder.make()
    files = collect([str(an_sdist(folder.dist, "hello"))]).distributions
    with Children() as children, ActiveStateIssuer(clock=time.time) as platform:
        up = indexes.await_ready(indexes.start(children, folder, os.environ), folder)
        registration = indexes.register(up.data, "hello", "activestate", platform.url, FIELDS)
        with Http(env={}, ca=str(up.ca), sleep=lambda seconds: None) as http:
            yield Stage(index=up, platform=platform, http=http, registration=registration, files=files)


def test_the_platform_publishes_what_it_built_to_the_host_that_the_script_names(stage: Stage) -> None:
    receipt = stage.builder().run(PypiPublisher(pypi_uri=stage.uri), stage.files)
    assert (receipt.index, receipt.filenames) == (stage.index.url, ("hello-1.0.tar.gz",))
    (grant,) = indexes.grants(stage.index.data, stage.registration.publisher_id)
    assert (grant.projects, grant.burned) == (("hello",), True)


def test_an_audience_in_the_script_goes_before_the_one_that_the_index_asks_for(stage: Stage) -> None:
    named = PypiPublisher(audience=stage.index.audience, pypi_uri=stage.uri)
    assert stage.builder().run(named, stage.files).filenames
    with pytest.raises(Declined, match="audience 'testpypi'"):
        stage.builder().run(replace(named, audience="testpypi"), stage.files)


def test_a_step_is_done_once_and_another_attempt_is_another_step(stage: Stage) -> None:
    step = PypiPublisher(pypi_uri=stage.uri)
    builder = stage.builder()
    assert builder.run(step, stage.files) is builder.run(step, stage.files)
    assert len(stage.platform.given) == 1
    assert builder.run(replace(step, attempt=2), stage.files).filenames
    assert len(stage.platform.given) == 2
    stranger = stage.builder(replace(ARTIFACT, builder="wheel-builder"))
    for _ in range(2):
        with pytest.raises(Declined, match="builder"):
            stranger.run(step, stage.files)
    assert len(stage.platform.given) == 3
    with pytest.raises(Declined, match="builder"):
        stranger.run(replace(step, attempt=2), stage.files)
    assert len(stage.platform.given) == 4


@pytest.mark.parametrize(
    "artifact",
    [
        replace(ARTIFACT, organization="acme org"),
        replace(ARTIFACT, project="other"),
        replace(ARTIFACT, actor_id="00000000-0000-1000-8000-000000000003"),
    ],
)
def test_nobody_else_of_the_platform_is_trusted(stage: Stage, artifact: Artifact) -> None:
    with pytest.raises(Declined, match="invalid-publisher"):
        stage.builder(artifact).run(PypiPublisher(pypi_uri=stage.uri), stage.files)


def test_a_blank_address_is_pypi_which_no_rehearsal_publishes_to(stage: Stage) -> None:
    assert PypiPublisher().index == resolve("pypi")
    assert PypiPublisher(pypi_uri="test.pypi.org").index == resolve("testpypi")
    for uri in ("", "  ", "test.pypi.org", "https://index.example/"):
        with pytest.raises(Misuse, match="no index but one on this machine"):
            stage.builder().run(PypiPublisher(pypi_uri=uri), stage.files)
    assert stage.platform.given == ()


def test_an_index_of_ours_may_stand_in_for_pypi(stage: Stage) -> None:
    asked: list[Index] = []

    def stand_in(index: Index) -> Index:
        asked.append(index)
        return resolve(stage.index.url)

    builder = Builder(stage.platform, ARTIFACT, stage.http, stand_in=stand_in)
    assert builder.run(PypiPublisher(), stage.files).index == stage.index.url
    assert asked == [resolve("pypi")]
