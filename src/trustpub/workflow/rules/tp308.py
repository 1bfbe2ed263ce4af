# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations turned off."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Step


def _check(scene: Scene) -> Iterator[Finding]:
    for job, step in asking.asking(scene):
        if not asking.with_pypi_action(step) or not asking.off(step.given.get("attestations", "")):
            continue
        target = job.target(step)
        if not target.of_pypi or _second(job, step):
            continue
        reusable = any(len(way.jobs) > 1 or set(way.entry.triggers) == {"workflow_call"} for way in scene.ways_to(job))
        yield RULE.at(
            step.file.key(step.given, "attestations", step.place),
            f"job {job.name!r} publishes without attestations",
            why="because the upload is in a reusable workflow (TP106)" if reusable else None,
            fix="move the upload into the calling workflow, then take this out" if reusable else "take this out",
            edits=None if reusable else editing.drop_inner(step.file, step.value, "with", "attestations"),
        )


def _second(job: Job, step: Step) -> bool:
    """Beside a signed upload it is the way to have two in one job."""
    return any(
        asking.with_pypi_action(one) and one is not step and not asking.off(one.given.get("attestations", ""))
        for one in job.publishing
    )


RULE = Rule(
    ident="TP308",
    severity=Severity.WARNING,
    title="attestations turned off",
    confidence=Confidence.HIGH,
    explanation="Attestations let people check which repository and workflow a file came from. They are mostly "
    "turned off to get around an error whose cause can be removed.",
    fix="Remove the cause, then `attestations: false`.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    attestations: false\n    print-hash: true",
    better="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    print-hash: true",
    fixes=True,
    check=_check,
)
