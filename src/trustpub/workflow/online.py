# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What only others know: the index, which project is there and who published it; GitHub, its tags and environments.

Nothing is sent but the names that are asked for. A question that gets no answer is said, and nothing is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from trustpub.errors import TrustpubError
from trustpub.http import Http
from trustpub.packages.names import normalize
from trustpub.printable import printable
from trustpub.secret import Secret
from trustpub.workflow import asking, editing
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Finding
from trustpub.workflow.located import Place
from trustpub.workflow.rules import tp150, tp151, tp153, tp303
from trustpub.workflow.scene import TOP, Scene, Step

_PAGE = "application/vnd.pypi.simple.v1+json"
_PROVENANCE = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
_MOST = 32 * 1024 * 1024
_MOST_REPOSITORIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Whom to ask."""

    simple: Mapping[str, str]
    """URL of the Simple API, by the index's name."""
    github: str = "https://github.com"
    github_api: str = "https://api.github.com"
    token: Secret | None = None
    """For GitHub's API: settings of environments are shown to nobody without."""


class Asking:
    """One round of questions; :attr:`unanswered` says which got no answer."""

    def __init__(self, http: Http, addresses: Addresses) -> None:
        self.unanswered: list[str] = []
        self._http = http
        self._addresses = addresses

    def findings(self, scene: Scene) -> Iterator[Finding]:
        """Everything that the others' answers show."""
        yield from self._projects(scene)
        yield from self._pins(scene)
        if self._addresses.token is not None:
            yield from self._environments(scene)

    def _projects(self, scene: Scene) -> Iterator[Finding]:
        name = scene.project
        indexes = dict.fromkeys(
            index
            for job, step in asking.asking(scene)
            if (index := asking.declared_index(scene, step, job.target(step))) is not None
        )
        for index in indexes:
            simple = self._addresses.simple.get(index)
            if name is None or simple is None:
                continue
            page = urljoin(simple, f"{quote(normalize(name))}/")
            try:
                found = self._get(page, _PAGE)
                if found is None:
                    yield from tp151.absent(scene, index, Place(path="pyproject.toml", spot=TOP))
                else:
                    yield from self._last(scene, index, page, found)
            except TrustpubError as error:
                self.unanswered.append(error.message)

    def _last(self, scene: Scene, index: str, page: str, found: Any) -> Iterator[Finding]:
        files = [one for one in listed(mapping(found).get("files")) if isinstance(one, dict)]
        newest = max(files, key=lambda one: str(one.get("upload-time", "")), default={})
        place = newest.get("provenance")
        if not isinstance(place, str):
            return  # published without attestations, or by an index that has none: nobody knows by whom
        document = self._get(urljoin(page, place), _PROVENANCE)
        for bundle in listed(mapping(document).get("attestation_bundles")):
            publisher = mapping(mapping(bundle).get("publisher"))
            filename = printable(str(newest.get("filename")), 200)
            yield from tp150.compare(scene, index, publisher, filename)
            return

    def _pins(self, scene: Scene) -> Iterator[Finding]:
        steps: dict[str, list[Step]] = {}
        for job in scene.publishing:
            for step in job.steps:
                if step.action is not None and step.action.pinned:
                    steps.setdefault(step.action.name, []).append(step)
        for name, own in list(steps.items())[:_MOST_REPOSITORIES]:
            try:
                objects = self._tag_objects(name)
            except TrustpubError as error:
                self.unanswered.append(error.message)
                continue
            for step in own:
                ref = step.action.ref.lower() if step.action is not None else ""
                if ref in objects:
                    yield _pin(step, name, *objects[ref])

    def _tag_objects(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Of a repository's tags that are objects of their own: tag and commit, by the object's id."""
        url = f"{self._addresses.github}/{quote(name)}.git/info/refs?service=git-upload-pack"
        answer = self._http.request("GET", url, max_bytes=_MOST, attempts=2)
        if answer.status != 200:
            self.unanswered.append(f"{printable(urlsplit(url).netloc, 100)} answers {answer.status} about {name}.")
            return {}
        own: dict[str, str] = {}
        peeled: dict[str, str] = {}
        for line in answer.body.split(b"\n"):
            ident, _, ref = line[4:].decode("ascii", "replace").partition(" refs/tags/")
            tag, marked, _ = ref.partition("^{}")
            if ref:
                (peeled if marked else own)[tag] = ident[-40:]
        return {own[tag]: (tag, commit) for tag, commit in peeled.items() if tag in own}

    def _environments(self, scene: Scene) -> Iterator[Finding]:
        home = scene.home
        seen: set[str] = set()
        for job in asking.asking_jobs(scene):
            name = job.environment
            if home is None or name is None or "${{" in name or name in seen:
                continue
            seen.add(name)
            try:
                settings = self._api(f"/repos/{quote(home)}/environments/{quote(name, safe='')}")
                if settings is None:
                    yield tp153.missing(job.environment_place, home, name)
                    continue
                path = f"/repos/{quote(home)}/environments/{quote(name, safe='')}/deployment-branch-policies"
                policies = mapping(self._api(path)).get("branch_policies")
                yield from tp153.judged(job.environment_place, home, name, mapping(settings), list(listed(policies)))
            except TrustpubError as error:
                self.unanswered.append(error.message)

    def _api(self, path: str) -> Any:
        token = self._addresses.token
        headers = {"Accept": "application/vnd.github+json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        return self._get(self._addresses.github_api + path, headers["Accept"], headers)

    def _get(self, url: str, accept: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON there; None where there is nothing, or it is none."""
        answer = self._http.request("GET", url, headers=headers or {"Accept": accept}, max_bytes=_MOST, attempts=2)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            parts = urlsplit(url)
            self.unanswered.append(
                f"{printable(parts.netloc, 100)} answers {answer.status} to {printable(parts.path)}."
            )
            return {}
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            self.unanswered.append(f"{printable(urlsplit(url).netloc, 100)} answers with something that is no JSON.")
            return {}


def _pin(step: Step, name: str, tag: str, commit: str) -> Finding:
    shown = printable(tag, 100)
    return tp303.RULE.at(
        step.file.value(step.value, "uses", step.place),
        f"{name} is pinned to the tag object of {shown}, not to its commit",
        fix=f"pin {commit}",
        edits=editing.put(step.file, step.value, "uses", f"{name}{step.action.path if step.action else ''}@{commit}"),
    )
