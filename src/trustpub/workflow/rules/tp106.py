# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Publishing from a reusable workflow."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Step, Way


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job, step in asking.asking(scene):
        target = job.target(step)
        if job in seen or (target.name is not None and not target.of_pypi):
            continue
        ways = [way for way in scene.ways_to(job) if _only_called(way)]
        if ways:
            seen.add(job)
            yield _finding(job, step, ways[0])


def _only_called(way: Way) -> bool:
    return len(way.jobs) > 1 or set(way.entry.triggers) == {"workflow_call"}


def _finding(job: Job, step: Step, way: Way) -> Finding:
    called = job.workflow.name
    caller = way.entry.name if len(way.jobs) > 1 else "the calling file"
    unsigned = asking.off(step.given.get("attestations")) or not asking.with_pypi_action(step)
    return RULE.at(
        step.place if step.file is job.file else job.place,
        f"job {job.name!r} publishes from the reusable workflow {called}",
        why=f"PyPI compares the called file, {called}, with what is registered; attestations are signed in the name of "
        f"{caller}; no registration satisfies both, and a caller in another repository never matches",
        seen=None if not unsigned else "invalid-publisher: valid token, but no corresponding publisher",
        fix=f"move the job that uploads into {caller}; building and testing may stay in {called}",
        severity=Severity.WARNING if unsigned else Severity.ERROR,
    )


RULE = Rule(
    ident="TP106",
    severity=Severity.ERROR,
    title="the upload is in a reusable workflow",
    confidence=Confidence.HIGH,
    explanation="PyPI does not support Trusted Publishing from reusable workflows. The look-up compares the file "
    "that was called, the certificate of an attestation names the file that called it. With attestations off it may "
    "work where the called file is registered; trustpub's own index can register both.",
    seen="Invalid attestations supplied during upload: Could not verify the upload ... Certificate's Build Config "
    "URI does not match expected Trusted Publisher",
    fix="Put the job that uploads into the workflow that starts, and call reusable workflows for everything before it.",
    example="on: workflow_call\njobs:\n  publish:\n    steps:\n      - uses: pypa/gh-action-pypi-publish@release/v1",
    better="on:\n  push:\n    tags: ['v*']\njobs:\n  publish:\n    steps:\n      - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
