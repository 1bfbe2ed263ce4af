# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Publishing for pull requests."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Job, Scene, Step, Way

_EVENTS = ("pull_request_target", "pull_request")


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job, step in asking.asking(scene):
        for way in scene.ways_to(job):
            met = [one.event for one in way.situations if one.event in _EVENTS and reached(way, one, step)]
            if not met or job in seen:
                continue
            seen.add(job)
            yield _finding(job, step, way, met[0])


def _finding(job: Job, step: Step, way: Way, event: str) -> Finding:
    target = event == "pull_request_target"
    trial = job.target(step).test and not target
    return RULE.at(
        way.entry.trigger_place(event),
        f"job {job.name!r} publishes on `{event}`",
        why="PyPI takes no token from this event, and with it a stranger's code would run with yours"
        if target
        else "GitHub gives no identity token to a pull request from a fork",
        seen="Publishing from a workflow invoked via 'pull_request_target' is not supported." if target else None,
        severity=Severity.WARNING if trial else None,
        fix=f"publish on a tag: take `{event}` out, or add a condition to jobs.{job.name}",
    )


RULE = Rule(
    ident="TP204",
    severity=Severity.ERROR,
    title="publishing for pull requests",
    confidence=Confidence.HIGH,
    explanation="A pull request from a fork gets no identity token, whatever the permissions say. "
    "`pull_request_target` gets one, and is refused by PyPI since March 2026, because it runs in the name of the "
    "repository whatever the stranger's branch makes it do.",
    seen="OpenID Connect token retrieval failed ... the workflow is called from a pull request on a fork",
    fix="Publish when a tag is pushed. Build, and check the files, on pull requests.",
    example="on: pull_request_target",
    better="on:\n  push:\n    tags: ['v*']",
    check=_check,
)
