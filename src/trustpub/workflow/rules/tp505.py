# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A button that publishes from any branch."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Job, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job, step in asking.asking(scene):
        for way in scene.ways_to(job):
            met = any(
                one.event == "workflow_dispatch" and one.of_branch and reached(way, one, step) for one in way.situations
            )
            if not met or not job.target(step).real or job in seen:
                continue
            seen.add(job)
            yield RULE.at(
                way.entry.trigger_place("workflow_dispatch"),
                f"job {job.name!r} publishes whatever branch somebody starts {way.entry.name} on",
                fix=f"add `startsWith(github.ref, 'refs/tags/')` to the condition of jobs.{job.name}",
            )


RULE = Rule(
    ident="TP505",
    severity=Severity.WARNING,
    title="publishing from any branch, by hand",
    confidence=Confidence.HIGH,
    explanation="`workflow_dispatch` can be started on every branch, by everybody who can push to one. What is built "
    "there has been reviewed by nobody.",
    fix="Publish from tags, or name the branch in the condition.",
    example="on: workflow_dispatch\njobs:\n  publish: ...",
    better="on: workflow_dispatch\njobs:\n  publish:\n    if: github.ref == 'refs/heads/main'",
    check=_check,
)
