# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publishing job without an environment."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job, step in asking.asking(scene):
        if job.environment is not None or job in seen:
            continue
        seen.add(job)
        target = job.target(step)
        name = asking.declared_index(scene, step, target)
        if name is not None and scene.publisher("github", name) is not None:
            continue  # TP103 where it has one; where it has none, that was decided
        wanted_name = "testpypi" if target.test else "pypi"
        before = next((key for key in ("permissions", "steps") if key in job.value), None)
        yield RULE.at(
            job.place,
            f"job {job.name!r} publishes outside of any environment",
            why="whoever can push a tag or start the workflow can publish: nobody is asked, no rule holds them up",
            fix=f"add `environment: {wanted_name}` to jobs.{job.name}, give the environment reviewers and a rule for "
            f"tags (Settings > Environments), and register the publisher with it",
            edits=editing.add(job.file, job.value, f"environment: {wanted_name}", before=before),
        )


RULE = Rule(
    ident="TP104",
    severity=Severity.WARNING,
    title="no environment",
    confidence=Confidence.HIGH,
    explanation="An environment is where GitHub keeps who must approve a release and which tags may be released. "
    "Without one every workflow run that reaches the job publishes. A publisher that is registered without an "
    "environment also accepts any.",
    fix="Add an environment to the job and to the registered publisher, with required reviewers and a tag rule.",
    example="publish:\n  permissions:\n    id-token: write",
    better="publish:\n  environment: pypi\n  permissions:\n    id-token: write",
    fixes=True,
    check=_check,
)
