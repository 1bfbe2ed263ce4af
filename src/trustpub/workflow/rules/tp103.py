# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The environment of the publishing job is not the one that is registered."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing, gitlab_scene
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job, step in asking.asking(scene):
        name = asking.declared_index(scene, step, job.target(step))
        found = scene.publisher("github", name) if name is not None else None
        declared = found[1].get("environment") if found is not None else None
        if declared is None or job in seen:
            continue
        given = job.environment
        if given is not None and ("${{" in given or given.lower() == declared.lower()):
            continue
        seen.add(job)
        yield _differs(job, str(name), declared, given)
    yield from _on_gitlab(scene)


def _differs(job: Job, index: str, declared: str, given: str | None) -> Finding:
    value = editing.written(declared)
    place, edits = job.environment_place, None
    if given is None:
        place = job.place
        before = next((key for key in ("permissions", "steps") if key in job.value), None)
        edits = editing.add(job.file, job.value, f"environment: {value}", before=before)
        said = f"job {job.name!r} has no environment, and the publisher declared for {index} has {declared!r}"
    else:
        inner = job.value.get("environment")
        holder, key = (inner, "name") if isinstance(inner, dict) else (job.value, "environment")
        edits = editing.put(job.file, holder, key, value)
        said = (
            f"job {job.name!r} is in the environment {given!r}, and the publisher declared for {index} in {declared!r}"
        )
    return RULE.at(place, said, fix=f"write `environment: {value}` into jobs.{job.name}", edits=edits)


def _on_gitlab(scene: Scene) -> Iterator[Finding]:
    """GitLab's environments are compared letter by letter."""
    for name, place, job in gitlab_scene.jobs(scene):
        index = "testpypi" if job.test_index else scene.declared.default_index or "pypi"
        found = scene.publisher("gitlab", index)
        declared = found[1].get("environment") if found is not None else None
        if declared is None or job.dynamic_environment or job.environment == declared or not job.tokens:
            continue
        given = "no environment" if job.environment is None else f"the environment {job.environment!r}"
        yield RULE.at(
            place,
            f"job {name!r} has {given}, and the publisher declared for {index} has {declared!r}",
            fix=f"write `environment: {editing.written(declared)}` into the job {name}",
        )


RULE = Rule(
    ident="TP103",
    severity=Severity.ERROR,
    title="another environment than the registered one",
    confidence=Confidence.HIGH,
    explanation="A publisher that was registered with an environment is matched only by jobs in that environment.",
    seen="invalid-publisher: valid token, but no corresponding publisher",
    fix="Put the job into the declared environment, or register the one that it is in.",
    example='# pyproject.toml: environment = "pypi"\npublish:\n  environment: release',
    better="publish:\n  environment: pypi",
    fixes=True,
    check=_check,
)
