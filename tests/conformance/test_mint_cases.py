# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Requests for a token, from nonsense to success: the same verdict as PyPI's, over HTTP."""

from __future__ import annotations

import ast
import base64
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from .conftest import GITHUB, GITLAB, Deviations, Index, cases, outcome, sign

ROW = {"owner": "foo", "repository": "bar", "owner_id": "123", "workflow_filename": "release.yml"}
SELF_MANAGED = "https://gitlab.example.org"
SERVER = "https://ghes.example.com/_services/token"
GITLAB_ROW = {"namespace": "foo", "project": "bar", "workflow_filepath": ".gitlab-ci.yml"}


@pytest.fixture(scope="module")
def index(open_index: Callable[..., Index]) -> Index:
    """One that knows a GitHub, a GitLab, and a server of either kind that somebody runs."""
    made = open_index()
    for issuer, kind in ((GITHUB, "github"), (GITLAB, "gitlab"), (SELF_MANAGED, "gitlab"), (SERVER, "github")):
        made.believe(issuer, kind)
    return made


class Scene:
    """One case: what it registers is gone afterwards."""

    def __init__(self, index: Index, name: str) -> None:
        self.index = index
        self.name = name
        self.registered: list[str | None] = []

    def register(self, project: str = "hello", provider: str = "github", issuer: str = GITHUB, **row: str) -> None:
        fields = {**(ROW if provider == "github" else GITLAB_ROW), **row}
        self.registered.append(self.index.register(provider, fields, self.project(project), issuer=issuer))

    def project(self, project: str) -> str:
        """Its name in this case; a project that was made stays."""
        return f"{self.name}-{project}"

    def claims(self, provider: str = "github", **changed: Any) -> dict[str, Any]:
        """Good ones, of the first case of a provider, but for what is changed; None: without."""
        first = next(one for one in cases() if one["provider"] == provider and one["kind"] == "claims")
        claims = self.index.claims(first["claims"]) | {"jti": str(uuid.uuid4())} | changed
        return {name: value for name, value in claims.items() if value is not ...}

    def mint(self, provider: str = "github", **changed: Any) -> str:
        return self.index.mint(sign(self.claims(provider, **changed)))


@pytest.fixture
def scene(index: Index, mint_case: Mapping[str, Any]) -> Iterator[Scene]:
    """An index at which nobody is registered yet."""
    index.clock.now += 61
    made = Scene(index, mint_case["id"])
    yield made
    for publisher_id in made.registered:
        index.unregister(publisher_id)


def test_ends_as_on_pypi(scene: Scene, mint_case: Mapping[str, Any], deviations: Deviations) -> None:
    found = _play(scene, mint_case)
    errors = (mint_case["response"] or {}).get("errors") if mint_case["response"] else None
    wanted = errors[0]["code"] if errors else mint_case["expected"]
    if wanted == "reject":  # PyPI answered 500, so any refusal will do
        assert found != "accept", mint_case["why"]
        return
    deviations.judge(mint_case, wanted, found)


def _play(scene: Scene, case: Mapping[str, Any]) -> str:
    body = re.fullmatch(r"body (b'.*')", case["why"], re.DOTALL)
    if body is not None:
        return outcome(*scene.index.post(ast.literal_eval(body[1])))
    issuer = re.fullmatch(r"iss = (.*)", case["why"])
    if issuer is not None:
        return scene.index.mint(_loosely(scene.claims(iss=ast.literal_eval(issuer[1]))))
    return _PLAYS[case["id"]](scene)


def _loosely(claims: Any) -> str:
    """Three parts that look like a token; libraries refuse to sign these claims."""

    parts = ({"alg": "RS256", "kid": "k1"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + ".AAAA"
    )


def _registered(**changed: Any) -> Callable[[Scene], str]:
    def play(scene: Scene) -> str:
        scene.register()
        return scene.mint(**changed)

    return play


def _bad_signature(scene: Scene, closed: str | None = None, provider: str = "github", **changed: Any) -> str:
    """Perhaps while another issuer is switched off."""
    scene.register()
    if closed is not None:
        scene.index.switch(closed, on=False)
    try:
        return scene.index.mint(sign(scene.claims(provider, **changed)).rpartition(".")[0] + "." + "A" * 342)
    finally:
        if closed is not None:
            scene.index.switch(closed, on=True)


def _twice(scene: Scene, **changed: Any) -> str:
    """The same identity token again, in a request that differs: nobody who lost an answer would change it."""
    scene.register()
    token = sign(scene.claims(**changed))
    assert scene.index.mint(token) == "accept"
    return outcome(*scene.index.post(json.dumps({"token": token, "again": True}).encode()))


def _two_projects(scene: Scene) -> str:
    scene.register("hello")
    scene.register("world")
    found = scene.mint()
    with scene.index.folder.store.read() as reading:
        publisher = reading.publisher(scene.index.publisher_of_last_token() or "")
    assert publisher is not None
    assert [link.project for link in publisher.links] == [scene.project("hello"), scene.project("world")]
    return found


def _without_a_project(scene: Scene) -> str:
    scene.register()
    publisher_id = scene.registered[0] or ""
    with scene.index.folder.store.write() as writing:
        publisher = writing.publisher(publisher_id)
        assert publisher is not None
        writing.unlink_publisher(publisher_id, publisher.links[0].project_id)
    return scene.mint()


def _closed(scope: str | None) -> Callable[[Scene], str]:
    """Minting was switched off, for one issuer or for all."""

    def play(scene: Scene) -> str:
        scene.register()
        scene.index.switch(scope, on=False)
        try:
            return scene.mint()
        finally:
            scene.index.switch(scope, on=True)

    return play


def _exists_meanwhile(scene: Scene) -> str:
    """Another publisher's first upload made the project that was held for two."""
    scene.register("hello")
    scene.register("hello", workflow_filename="other.yml")
    with scene.index.folder.store.write() as writing:
        project = writing.project(scene.project("hello"))
        assert project is not None
        writing.make_real(project.id, name=project.name, publisher_id=scene.registered[1] or "")
    return scene.mint()


def _prohibited(scene: Scene) -> str:
    with scene.index.folder.store.write() as writing:
        writing.prohibit(scene.project("x"), "for this test")
    scene.register("x")
    assert scene.registered == [None]
    return scene.mint()


def _owner_re_created(scene: Scene) -> str:
    scene.register("hello", owner_id="122")
    scene.register("world", owner_id="123")
    return scene.mint()


def _same_jti_elsewhere(scene: Scene) -> str:
    scene.register("one", "gitlab", SELF_MANAGED)
    scene.register("two", "gitlab", GITLAB)
    host = SELF_MANAGED.removeprefix("https://")
    claims = {"iss": SELF_MANAGED, "ci_config_ref_uri": f"{host}/foo/bar//.gitlab-ci.yml@refs/heads/main"}
    jti = str(uuid.uuid4())
    assert scene.mint("gitlab", jti=jti, **claims) == "accept"
    return scene.mint("gitlab", jti=jti)


def _self_managed(scene: Scene) -> str:
    scene.register("hello", "gitlab", SELF_MANAGED)
    host = SELF_MANAGED.removeprefix("https://")
    return scene.mint("gitlab", iss=SELF_MANAGED, ci_config_ref_uri=f"{host}/foo/bar//.gitlab-ci.yml@refs/heads/main")


def _server(scene: Scene) -> str:
    scene.register("hello", issuer=SERVER)
    return scene.mint(iss=SERVER)


def _nobody(scene: Scene) -> str:
    return scene.mint()


_PLAYS: Mapping[str, Callable[[Scene], str]] = {
    "mint-015": lambda scene: scene.index.mint("not a token"),
    "mint-016": lambda scene: scene.index.mint(_loosely({"aud": "x"})),
    "mint-023": _registered(iss="https://issuer.example"),
    "mint-024": _registered(iss=GITHUB + "/"),
    "mint-025": _closed(None),
    "mint-026": _closed(GITHUB),
    "mint-027": lambda scene: _bad_signature(scene, closed=GITLAB),
    "mint-028": lambda scene: _bad_signature(scene, closed=GITLAB, provider="gitlab", iss=SELF_MANAGED),
    "mint-029": lambda scene: scene.index.mint(_loosely(["x"])),
    "mint-030": _bad_signature,
    "mint-031": _nobody,
    "mint-032": _registered(sha=...),
    "mint-033": _registered(),
    "mint-034": _twice,
    "mint-035": _registered(event_name="pull_request_target"),
    "mint-036": _two_projects,
    "mint-037": _without_a_project,
    "mint-038": _registered(jti=""),
    "mint-039": _registered(jti=""),
    "mint-040": lambda scene: _registered(exp=str(int(scene.index.clock.now) + 300))(scene),
    "mint-041": _registered(repository="foo"),
    "mint-042": _registered(repository=5),
    "mint-043": _registered(job_workflow_ref=5),
    "mint-044": _registered(environment=5),
    "mint-045": _registered(event_name=5),
    "mint-046": _registered(),
    "mint-047": _exists_meanwhile,
    "mint-048": _prohibited,
    "mint-049": _nobody,  # nothing is registered while registration is closed: there is no other way to close it
    "mint-050": _owner_re_created,
    "mint-051": _two_projects,
    "mint-052": _registered(),
    "mint-053": _twice,
    "mint-054": _self_managed,
    "mint-055": _same_jti_elsewhere,
    "mint-056": _server,
}
