# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Two indexes in one job, with attestations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from packaging.version import Version

from trustpub.workflow import asking, pins
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Job, Scene, Step
from trustpub.workflow.situations import Situation


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        signing = [
            step
            for step in job.publishing
            if asking.with_pypi_action(step) and not asking.off(step.given.get("attestations")) and _signs(job, step)
        ]
        for first, second in pairwise(signing):
            folders = {str(one.given.get("packages-dir") or one.given.get("packages_dir")) for one in (first, second)}
            if len(folders) > 1 or not _together(scene, job, first, second):
                continue
            yield RULE.at(
                second.place if second.file is job.file else job.place,
                f"job {job.name!r} publishes to two indexes, and the second upload finds the attestations of the first",
                fix="publish to each index in a job of its own, or set `attestations: false` for the test index",
            )


def _signs(job: Job, step: Step) -> bool:
    version = pins.version_of(step)
    return job.secret(step) is None and (version is None or version >= Version("1.11") or version == Version("1"))


def _together(scene: Scene, job: Job, first: Step, second: Step) -> bool:
    """Whether both may run in one run."""
    return any(
        reached(way, situation, first) is not False and reached(way, situation, second) is not False
        for way in scene.ways_to(job)
        for situation in way.situations or (Situation(event="workflow_call"),)
    )


RULE = Rule(
    ident="TP307",
    severity=Severity.ERROR,
    title="two signed uploads in one job",
    confidence=Confidence.HIGH,
    explanation="The PyPI action writes attestations beside the files and refuses to write them twice.",
    seen="Attestation generation failure: dist/demo-1.0.tar.gz already has a publish attestation",
    fix="One job for each index, each with its own environment.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    repository-url: "
    "https://test.pypi.org/legacy/\n- uses: pypa/gh-action-pypi-publish@release/v1",
    better="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    repository-url: "
    "https://test.pypi.org/legacy/\n    attestations: false\n- uses: pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
