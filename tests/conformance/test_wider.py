# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where this index admits what PyPI refuses, nothing else comes in with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from .conftest import GITHUB, GITLAB, Index, cases, sign

SERVER = "https://ghes.example.com/_services/token"
OTHER_SERVER = "https://ghes.example.org/_services/token"
GITHUB_ROW = {"owner": "Foo", "repository": "Bar", "owner_id": "123", "workflow_filename": "release.yml"}
GITLAB_ROW = {"namespace": "Foo", "project": "Bar", "workflow_filepath": ".gitlab-ci.yml"}


@pytest.fixture(scope="module")
def index(open_index: Callable[..., Index]) -> Index:
    """GitHub, GitLab, and two GitHub servers that somebody runs."""
    made = open_index()
    for issuer, kind in ((GITHUB, "github"), (GITLAB, "gitlab"), (SERVER, "github"), (OTHER_SERVER, "github")):
        made.believe(issuer, kind)
    return made


@pytest.fixture
def registered(index: Index) -> Iterator[Callable[..., None]]:
    """Register publishers that are gone after the test."""
    ids: list[str | None] = []

    def register(provider: str, row: Mapping[str, str], **more: str) -> None:
        ids.append(index.register(provider, row, f"project-{len(ids)}", **more))
        assert ids[-1] is not None

    yield register
    for publisher_id in ids:
        index.unregister(publisher_id)


def mint(index: Index, case: str, **changed: Any) -> str:
    """The outcome with the claims of an accepted case, but for what is changed."""
    index.clock.now += 61
    good = next(one for one in cases() if one["id"] == case)
    return index.mint(sign(index.claims(good["claims"]) | {"jti": str(uuid.uuid4())} | changed))


def test_names_may_differ_in_case_and_in_nothing_else(index: Index, registered: Callable[..., None]) -> None:
    registered("github", GITHUB_ROW)
    registered("gitlab", GITLAB_ROW)
    ref = "refs/heads/main"
    shouted = {"repository": "FOO/BAR", "repository_owner": "FOO"}
    assert mint(index, "github-001", **shouted) == "accept"
    for near in (
        {"repository": "FOO/BARS", "repository_owner": "FOO"},
        {"repository": "FO/BAR", "repository_owner": "FO"},
        {"repository": "f\u1d3cO/BAR", "repository_owner": "f\u1d3cO"},
        {"repository": "foo/ba\u017f", "repository_owner": "foo"},
        {"job_workflow_ref": f"foo/bar/.github/workflows/Release.yml@{ref}"},
        {"job_workflow_ref": f"foo/bars/.github/workflows/release.yml@{ref}"},
        {"job_workflow_ref": f"foo/bar/.GITHUB/workflows/release.yml@{ref.upper()}"},
        {**shouted, "repository_owner_id": "124"},
        {**shouted, "repository_id": "75"},
    ):
        assert mint(index, "github-001", **near) == "invalid-publisher", near
    config = "gitlab.com/FOO/BAR//.gitlab-ci.yml@" + ref
    assert mint(index, "gitlab-139", project_path="FOO/BAR", ci_config_ref_uri=config) == "accept"
    for near in (
        {"project_path": "FOO/BARS"},
        {"ci_config_ref_uri": config.replace(".gitlab-ci.yml", ".GITLAB-CI.YML")},
        {"ci_config_ref_uri": config.replace("gitlab.com", "gitlab.example")},
        {"project_path": "FOO/BAR", "project_id": "23"},
        {"project_path": "FOO/BAR", "namespace_id": "73"},
    ):
        assert mint(index, "gitlab-139", **near) == "invalid-publisher", near


def test_sub_of_gitlab_decides_nothing(index: Index, registered: Callable[..., None]) -> None:
    registered("gitlab", GITLAB_ROW)
    right = "project_path:foo/bar:ref_type:branch:ref:main"
    for sub in (right, "project_path:evil/bar:ref_type:branch:ref:main", "anything", ""):
        assert mint(index, "gitlab-139", sub=sub) == "accept"
    # and the right one helps nobody whose other claims are not right
    for wrong in (
        {"project_path": "evil/bar", "ci_config_ref_uri": "gitlab.com/evil/bar//.gitlab-ci.yml@refs/heads/main"},
        {"project_id": "23"},
        {"namespace_id": "73"},
        {"ci_config_ref_uri": "gitlab.com/foo/bar//other.yml@refs/heads/main"},
        {"ci_config_ref_uri": "gitlab.com/evil/templates//.gitlab-ci.yml@refs/heads/main"},
    ):
        assert mint(index, "gitlab-139", sub=right, **wrong) == "invalid-publisher", wrong


def test_a_server_vouches_for_its_own_publishers_only(index: Index, registered: Callable[..., None]) -> None:
    registered("github", GITHUB_ROW, issuer=SERVER)
    assert mint(index, "github-001", iss=SERVER) == "accept"
    assert mint(index, "github-001", iss=GITHUB) == "invalid-publisher"
    assert mint(index, "github-001", iss=OTHER_SERVER) == "invalid-publisher"
    assert mint(index, "github-001", iss=SERVER + "/") == "invalid-payload"
