# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The PyPI action where it cannot run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking, running
from trustpub.workflow.documents import listed
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene

_OTHERS = re.compile(r"\b(?:macos|windows)", re.IGNORECASE)


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        step = next((one for one in job.publishing if asking.with_pypi_action(one)), None)
        if step is None:
            continue
        if job.value.get("container"):
            yield RULE.at(
                job.file.key(job.value, "container", job.place),
                f"the PyPI action cannot run in job {job.name!r}, which is in a container",
                why="it runs a container itself, and there is no Docker in this one",
                seen="docker: command not found",
                fix=f"take `container:` from jobs.{job.name}, or publish with `trustpub publish`",
            )
            continue
        place = job.file.value(job.value, "runs-on", job.place)
        machines = _machines(scene, job)
        other = next((one for one in machines if _OTHERS.search(one)), None)
        if other is not None:
            yield RULE.at(
                place,
                f"the PyPI action cannot run in job {job.name!r}, which is on {other}",
                why="it runs a Linux container",
                fix=f"run jobs.{job.name} on ubuntu-latest, or publish with `trustpub publish`",
            )
        elif "self-hosted" in machines:
            yield RULE.at(
                place,
                f"the PyPI action in job {job.name!r} needs Docker on the self-hosted runner",
                severity=Severity.WARNING,
                seen="docker: command not found",
                fix=f"run jobs.{job.name} on ubuntu-latest, or publish with `trustpub publish`",
            )


def _machines(scene: Scene, job: Job) -> tuple[str, ...]:
    given = job.value.get("runs-on")
    labels = given.get("labels") if isinstance(given, dict) else given
    found: list[str] = []
    for label in listed(labels):
        text = str(label)
        if "${{" not in text:
            found.append(text)
            continue
        for way in scene.ways_to(job):
            found += running.texts(way, text) or ()
    return tuple(found)


RULE = Rule(
    ident="TP301",
    severity=Severity.ERROR,
    title="the PyPI action on a machine that cannot run it",
    confidence=Confidence.HIGH,
    explanation="The PyPI action runs a Docker container: not on macOS, not on Windows, not inside another "
    "container, and on a machine of your own only if Docker is there.",
    seen="This action is only able to run under GNU/Linux environments",
    fix="Publish in a job of its own on ubuntu-latest, or with a client that is plain Python.",
    example="publish:\n  runs-on: macos-latest\n  steps:\n    - uses: pypa/gh-action-pypi-publish@release/v1",
    better="publish:\n  runs-on: ubuntu-latest\n  steps:\n    - uses: pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
