# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Publishing on every push to a branch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Job, Scene, Way


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job, step in asking.asking(scene):
        if not job.target(step).real:
            continue
        for way in scene.ways_to(job):
            met = [one for one in way.situations if one.event == "push" and one.of_branch and reached(way, one, step)]
            if not met or job in seen or _versioned(way):
                continue
            seen.add(job)
            exact = all(isinstance(one.ref, str) for one in met)
            yield RULE.at(
                way.entry.trigger_place("push"),
                f"job {job.name!r} publishes on every push to {'the branch' if exact else 'any branch'}",
                severity=Severity.WARNING if exact or scene.version_source.from_git else None,
                fix="start it with a tag: `on: {push: {tags: ['v*']}}`",
            )


def _versioned(way: Way) -> bool:
    """Whether a step makes a version of its own, or decides by one whether there is anything to release."""
    steps = (step for link in way.jobs for job in link.workflow.before(link) for step in job.steps)
    return any(
        (step.action is not None and re.search(r"release|version|bump|tag", step.action.name))
        or any(re.search(r"version|bump|release|\bgit tag\b", line) for line in step.lines)
        for step in steps
        if step.publication is None
    )


RULE = Rule(
    ident="TP506",
    severity=Severity.ERROR,
    title="publishing on every push",
    confidence=Confidence.MEDIUM,
    explanation="The first push publishes the version, every later one fails because it is there; or, with "
    "skip-existing, publishes nothing and is green.",
    seen="400 File already exists",
    fix="Publish when a tag is pushed.",
    example="on: push\njobs:\n  publish: ...",
    better="on:\n  push:\n    tags: ['v*']\njobs:\n  publish: ...",
    check=_check,
)
