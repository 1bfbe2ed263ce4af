# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is there already: the publisher that is declared, and workflows that publish and the publisher they imply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trustpub.declared import Declared, DeclaredIndex
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import gitlab, version
from trustpub.workflow.documents import mapping
from trustpub.workflow.generate.answers import Target
from trustpub.workflow.infer.conclusion import Conclusion
from trustpub.workflow.read import WORKFLOWS, PublishingJob, publishing_jobs

_PLATFORMS = {"github": "github", "gitlab": "gitlab", "google": "google", "activestate": "activestate"}


def declared(found: Declared) -> Iterator[tuple[str, Conclusion]]:
    """Question and answer, as the project declares them."""
    if found.tag is not None:
        yield "tag", Conclusion(value=found.tag, why="pyproject.toml declares it")
    index = _meant(found)
    if index is None:
        return
    why = f"pyproject.toml declares the index {index.name}"
    publisher = index.publisher
    fields = as_written(found, index)
    environment = fields.get("environment")
    target = Target(name=index.name, url=index.url, environment=environment, audience=index.audience)
    yield "index", Conclusion(value=target, why=why)
    if publisher is None:
        return
    why = f"pyproject.toml declares the publisher of {index.name}"
    yield "environment", Conclusion(value=environment, why=why)
    if publisher.kind in _PLATFORMS:
        yield "platform", Conclusion(value=_PLATFORMS[publisher.kind], why=why)
    owner, _, repository = fields.get("repository", "").rpartition("/")
    named = {
        "owner": owner or fields.get("namespace") or fields.get("organization"),
        "repository": repository or (fields.get("project") if publisher.kind != "github" else None),
        "workflow": fields.get("workflow") or fields.get("workflow_filepath"),
        "service_account": fields.get("email"),
    }
    for question, value in named.items():
        if value:
            yield question, Conclusion(value=value, why=why)
    ids = {name: fields[name] for name in _IDS if fields.get(name)}
    if ids:
        yield "ids", Conclusion(value=ids, why=why)


_IDS = ("owner_id", "repository_id", "namespace_id", "project_id", "organization_id", "actor_id", "sub")


def as_written(found: Declared, index: DeclaredIndex) -> dict[str, str]:
    """The fields of the publisher of ``index``, in the case that the file has them in: an index may fold it."""
    if index.publisher is None:
        return {}
    spelled = dict(index.publisher.fields)
    if found.path is None or index.publisher.kind == "generic":
        return spelled
    indexes = mapping(mapping(mapping(version.settings(found.path.parent).get("tool")).get("trustpub")).get("indexes"))
    for name, value in mapping(mapping(indexes.get(index.name)).get("publisher")).items():
        known = name.replace("-", "_")
        if spelled.get(known, "").lower() == str(value).lower():
            spelled[known] = str(value)
    return spelled


def workflows(root: Path, platform: str | None) -> tuple[dict[str, Conclusion], tuple[str, ...]]:
    """The publisher that an existing workflow is registered as, so that nothing has to be registered anew; notes."""
    if platform == "gitlab" and (root / gitlab.CI_FILE).is_file():
        return _of_gitlab(root)
    if platform not in (None, "github") or not (root / WORKFLOWS).is_dir():
        return {}, ()
    try:
        jobs = [job for job in publishing_jobs(root) if not job.test_index]
    except Misuse as error:
        return {}, (f"Existing workflows say nothing: {error.message}",)
    identified = [job for job in jobs if job.id_token] or jobs
    names = sorted({job.called_from or job.workflow for job in identified})
    if not identified:
        return {}, ()
    if len(names) > 1:
        return {}, (f"{', '.join(map(printable, names))} publish: --workflow FILE says which one is registered.",)
    return _of(identified, names[0])


def _of(jobs: list[PublishingJob], name: str) -> tuple[dict[str, Conclusion], tuple[str, ...]]:
    why = f"{name} publishes already"
    found = {"workflow": Conclusion(value=name, why=why)}
    environments = {job.environment for job in jobs if not job.dynamic_environment}
    if len(environments) == 1 and None not in environments:
        (environment,) = environments
        found["environment"] = Conclusion(value=environment, why=f"{name} publishes in it")
    if all("release" in job.events and "push" not in job.events for job in jobs):
        found["trigger"] = Conclusion(value="release", why=f"a release starts {name}")
    secret = [job for job in jobs if job.password]
    if not secret:
        return found, ()
    shown = printable(name)
    return found, (f"{shown} publishes with a stored secret: trustpub init --migrate {shown} changes only that.",)


def _of_gitlab(root: Path) -> tuple[dict[str, Conclusion], tuple[str, ...]]:
    try:
        job, assumed = gitlab.publishing_job(root, None, None)
    except Misuse as error:
        return {}, (f"{gitlab.CI_FILE} says nothing of who publishes: {error.message}",)
    if assumed or job.environment is None or "$" in job.environment:
        return {}, ()
    return {"environment": Conclusion(value=job.environment, why=f"{gitlab.CI_FILE} publishes in it")}, ()


def _meant(found: Declared) -> DeclaredIndex | None:
    if found.default_index is not None:
        return found.indexes.get(found.default_index)
    own = [index for name, index in found.indexes.items() if name != "testpypi"]
    return own[0] if own else None
