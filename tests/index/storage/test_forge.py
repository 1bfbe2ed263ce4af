# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from trustpub.index.adapters.forge import Forges
from trustpub.index.adapters.tls import make
from trustpub.index.kept import Issuer
from trustpub.index.ports import ForgeSilent
from trustpub.trust.issuers import PROVIDERS

from .issuer_site import Site, serving

PUBLIC = Issuer(url="https://token.actions.githubusercontent.com", kind="github")
REPOSITORY = {"id": 456789, "full_name": "Octo-Org/hello", "owner": {"id": 123456}}
PROJECT = {"id": 20, "path_with_namespace": "My-Group/sub/Hello", "namespace": {"id": 72}}
GITHUB = {"repository": "octo-org/hello", "workflow": "release.yml"}
GITLAB = {"namespace": "my-group/sub", "project": "hello", "workflow_filepath": ".gitlab-ci.yml"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


@pytest.fixture
def forges(site: Site) -> Forges:
    return Forges(env={}, rehearsal=True, github_api=site.url, seconds=2)


@pytest.mark.parametrize("slug", ["", "/octo-enterprise"])
def test_github_says_the_ids_of_a_repository(site: Site, forges: Forges, slug: str) -> None:
    site.put("/repos/octo-org/hello", REPOSITORY)
    found = forges.ids(replace(PUBLIC, url=PUBLIC.url + slug), "github", GITHUB)
    assert found == {"owner_id": "123456", "repository_id": "456789"}
    assert set(found) == set(PROVIDERS["github"].ids)


def test_a_github_enterprise_server_is_asked_itself(site: Site, forges: Forges) -> None:
    site.put("/api/v3/repos/octo-org/hello", REPOSITORY)
    found = forges.ids(Issuer(url=site.url + "/_services/token", kind="github"), "github", GITHUB)
    assert found == {"owner_id": "123456", "repository_id": "456789"}


@pytest.mark.parametrize("path", ["", "/gitlab"])
def test_gitlab_says_the_ids_of_a_project(site: Site, forges: Forges, path: str) -> None:
    site.put(f"{path}/api/v4/projects/my-group%2Fsub%2Fhello", PROJECT)
    found = forges.ids(Issuer(url=site.url + path, kind="gitlab"), "gitlab", GITLAB)
    assert found == {"namespace_id": "72", "project_id": "20"}
    assert set(found) == set(PROVIDERS["gitlab"].ids)


@pytest.mark.parametrize("kind", sorted(set(PROVIDERS) - {"github", "gitlab"}))
def test_of_other_kinds_nobody_can_be_asked(forges: Forges, site: Site, kind: str) -> None:
    with pytest.raises(ForgeSilent, match="Nobody can be asked"):
        forges.ids(Issuer(url=site.url, kind=kind), kind, {})
    assert site.asked == []


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        (b"{}", 404, "knows no public repository 'octo-org/hello'"),
        (b"{}", 401, "only those who are signed in"),
        (b"{}", 403, "no more questions"),
        (b"{}", 429, "no more questions"),
        (b"{}", 500, "status 500"),
        (b"{}", 301, "redirect"),
        (b"{", 200, "does not hold the ids"),
        (b"[]", 200, "does not hold the ids"),
        (b"[" * 100_000, 200, "does not hold the ids"),
        (b" " * 262_145, 200, "more than 262144 bytes"),
        ({**REPOSITORY, "id": "456789"}, 200, "does not hold the ids"),
        ({**REPOSITORY, "id": True}, 200, "does not hold the ids"),
        ({**REPOSITORY, "id": 0}, 200, "does not hold the ids"),
        ({**REPOSITORY, "owner": 7}, 200, "does not hold the ids"),
        ({**REPOSITORY, "full_name": "other/hello"}, 200, "another repository"),
        ({**REPOSITORY, "full_name": None}, 200, "another repository"),
    ],
)
def test_a_forge_that_does_not_answer_says_why(
    site: Site, forges: Forges, answer: Any, status: int, sentence: str
) -> None:
    site.put("/repos/octo-org/hello", answer, status)
    with pytest.raises(ForgeSilent, match=sentence):
        forges.ids(PUBLIC, "github", GITHUB)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({**PROJECT, "namespace": None}, "does not hold the ids"),
        ({**PROJECT, "path_with_namespace": "my-group/hello"}, "another repository"),
    ],
)
def test_a_gitlab_that_answers_something_else_is_not_believed(
    site: Site, forges: Forges, answer: Any, sentence: str
) -> None:
    site.put("/api/v4/projects/my-group%2Fsub%2Fhello", answer)
    with pytest.raises(ForgeSilent, match=sentence):
        forges.ids(Issuer(url=site.url, kind="gitlab"), "gitlab", GITLAB)


def test_what_a_person_typed_stays_one_part_of_the_address(site: Site, forges: Forges) -> None:
    with pytest.raises(ForgeSilent):
        forges.ids(PUBLIC, "github", {"repository": "octo-org/hello?x=#y"})
    with pytest.raises(ForgeSilent):
        forges.ids(Issuer(url=site.url, kind="gitlab"), "gitlab", {**GITLAB, "project": "../../x?y"})
    assert site.asked == [
        "/repos/octo-org/hello%3Fx%3D%23y",
        "/api/v4/projects/my-group%2Fsub%2F..%2F..%2Fx%3Fy",
    ]


def test_a_forge_out_of_reach_says_so() -> None:
    forges = Forges(env={}, rehearsal=True, github_api="http://127.0.0.1:1")
    with pytest.raises(ForgeSilent, match="cannot be asked for the ids of 'octo-org/hello'"):
        forges.ids(PUBLIC, "github", GITHUB)


def test_a_tenant_of_ghe_com_is_asked_at_its_own_api() -> None:
    forges = Forges(env={"HTTPS_PROXY": "http://127.0.0.1:1"})
    for url in ("https://token.actions.octo.ghe.com", "https://token.actions.octo.ghe.com/octo"):
        with pytest.raises(ForgeSilent, match=r"^api\.octo\.ghe\.com cannot be asked"):
            forges.ids(Issuer(url=url, kind="github"), "github", GITHUB)


def test_an_issuer_that_is_no_githubs_is_not_asked_for_ids(site: Site, forges: Forges) -> None:
    with pytest.raises(ForgeSilent, match="Nobody can be asked"):
        forges.ids(Issuer(url=site.url, kind="github"), "github", GITHUB)
    assert site.asked == []


def test_forges_are_asked_by_the_rules_for_keys(tmp_path: Path) -> None:
    """Their own certificates, and private addresses only where that was allowed."""
    tls = make(tmp_path / "tls", [], time.time())
    with serving(tls) as site:
        site.put("/api/v4/projects/my-group%2Fsub%2Fhello", PROJECT)
        issuer = Issuer(url=f"https://localhost:{urlsplit(site.url).port}", kind="gitlab")
        forges = Forges(env={})
        with pytest.raises(ForgeSilent, match="is this machine"):
            forges.ids(replace(issuer, ca=tls.ca.read_text()), "gitlab", GITLAB)
        with pytest.raises(ForgeSilent, match="is not trusted"):
            forges.ids(replace(issuer, private=True), "gitlab", GITLAB)
        assert site.asked == []
        assert forges.ids(replace(issuer, ca=tls.ca.read_text(), private=True), "gitlab", GITLAB)


def test_the_issuers_certificates_are_not_asked_to_vouch_for_the_public_api(site: Site, forges: Forges) -> None:
    site.put("/repos/octo-org/hello", REPOSITORY)
    assert forges.ids(replace(PUBLIC, ca="these are no certificates"), "github", GITHUB)
