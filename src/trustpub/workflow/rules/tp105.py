# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An environment or an index that is an expression."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, running
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        name = job.environment
        if name is not None and "${{" in name:
            yield from _environment(scene, job, name)
    for job, step in asking.asking(scene):
        target = job.target(step)
        if target.name is None and target.given is not None and "${{" in target.given and target.key is not None:
            place = step.file.value(step.given, target.key, step.place)
            values = _values(scene, job, target.given)
            told = f"one of {', '.join(sorted(values))}" if values else "known in a run only"
            yield RULE.at(place, f"the index that job {job.name!r} publishes to is an expression: {told}")


def _environment(scene: Scene, job: Job, name: str) -> Iterator[Finding]:
    values = _values(scene, job, name)
    place = job.environment_place
    declared = {
        index.publisher.fields["environment"].lower()
        for index in scene.declared.indexes.values()
        if index.publisher is not None and index.publisher.kind == "github" and "environment" in index.publisher.fields
    }
    if values is None:
        yield RULE.at(place, f"the environment of job {job.name!r} is an expression whose value only a run knows")
        return
    missing = sorted(value for value in values if value.lower() not in declared)
    if not declared:
        listed_values = ", ".join(sorted(values))
        yield RULE.at(place, f"the environment of job {job.name!r} is an expression: it may be {listed_values}")
    elif missing:
        yield RULE.at(
            place,
            f"the environment of job {job.name!r} may be {', '.join(missing)}, for which no publisher is declared",
            severity=Severity.ERROR,
        )


def _values(scene: Scene, job: Job, text: str) -> frozenset[str] | None:
    found: set[str] = set()
    for way in scene.ways_to(job):
        values = running.texts(way, text)
        if values is None:
            return None
        found |= values
    return frozenset(found) if found else None


RULE = Rule(
    ident="TP105",
    severity=Severity.WARNING,
    title="an environment or index that is an expression",
    confidence=Confidence.MEDIUM,
    explanation="Each value that the expression takes is another identity, and each must be registered. Whether they "
    "are cannot be seen by reading the file.",
    fix="Write one job for each index, each with its own environment.",
    example="publish:\n  environment: ${{ matrix.index }}",
    better="publish-testpypi:\n  environment: testpypi\npublish-pypi:\n  environment: pypi",
    check=_check,
)
