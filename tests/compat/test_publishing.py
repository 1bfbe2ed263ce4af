# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real clients, each as it is, publish what their own backends build: with Trusted Publishing where they have it."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Shop
from .publishers import PUBLISHERS, SAID, Release, write_project

every_client = pytest.mark.parametrize("name", PUBLISHERS)


@pytest.fixture(scope="module")
def shop(open_shop_for_all: Callable[..., Shop]) -> Shop:
    """One index for all of these, with a project for each."""
    return open_shop_for_all()


@pytest.fixture
def prepare(shop: Shop, client: Callable[[str], str], tmp_path: Path) -> Callable[..., Release]:
    """A project built for a client, and what the client needs to publish it."""

    def prepared(name: str, project: str, *, registered: str | None = None) -> Release:
        program, publisher = client(name), PUBLISHERS[name]
        write_project(tmp_path / project, project, publisher.build_system)
        publisher.build(program, tmp_path / project)
        shop.register(registered or project)
        token = None if publisher.trusted else shop.mint()
        return Release(shop=shop, name=project, folder=tmp_path / project, program=program, token=token)

    return prepared


def listed(shop: Shop, project: str) -> dict[str, str]:
    """Names and SHA-256 digests on the project's page."""
    asked = urllib.request.Request(
        f"{shop.url}/simple/{project}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(asked, context=ssl.create_default_context(cafile=shop.ca), timeout=5) as answer:
        return {file["filename"]: file["hashes"]["sha256"] for file in json.loads(answer.read())["files"]}


@every_client
def test_a_wheel_and_an_sdist_are_published_installed_and_stay_as_they_are(
    name: str, shop: Shop, prepare: Callable[..., Release], tmp_path: Path
) -> None:
    release, publisher = prepare(name, f"hello-{name}"), PUBLISHERS[name]
    publisher.publish(release)
    before = listed(shop, release.name)
    assert sorted(before) == [f"{release.module}-1.0-py3-none-any.whl", f"{release.module}-1.0.tar.gz"]
    assert shop.install(release.name, tmp_path / "target", release.module) == f"{SAID}\n"

    # What a job that is run again does: nothing is new, and nothing is wrong.
    publisher.publish(release)
    assert listed(shop, release.name) == before

    # Other bytes under the same names.
    write_project(release.folder, release.name, publisher.build_system, "something else")
    publisher.build(release.program, release.folder)
    done = publisher.publish(release, fails=publisher.told is not None)
    assert (publisher.told or "already exists") in shop.said(done)
    if publisher.skip:
        publisher.publish(release, publisher.skip)
    assert listed(shop, release.name) == before


@every_client
def test_a_client_shows_why_an_upload_is_refused(name: str, shop: Shop, prepare: Callable[..., Release]) -> None:
    release = prepare(name, f"stray-{name}", registered=f"another-{name}")
    said = shop.said(PUBLISHERS[name].publish(release, fails=True))
    # pdm shows the status of an answer, and nothing that the index says.
    assert (f"There is no project 'stray-{name}'" if name != "pdm" else "'400 Bad Request'") in said
