# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every leg of a matrix uploads on its own."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, running
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        if not job.matrix or running.leg_count(job) == 1:
            continue
        steps = [step for step in job.publishing if job.secret(step) is None]
        text = " ".join([str(job.environment), *(str(step.value) for step in steps)])
        if "matrix." in text or "matrix" in str(job.value.get("if", "")):
            continue  # each leg publishes something else, or one of them does
        yield RULE.at(
            job.file.key(job.value, "strategy", job.place),
            f"every run of job {job.name!r} publishes what it built by itself",
            fix="upload artifacts from the matrix, and publish them all from one job that needs it",
        )


RULE = Rule(
    ident="TP508",
    severity=Severity.WARNING,
    title="a matrix that publishes leg by leg",
    confidence=Confidence.HIGH,
    explanation="When one leg fails, the others have published: the version is used up and its wheels are missing.",
    fix="Gather the files of all legs in one job, and publish from there.",
    example="publish:\n  strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}\n  steps:\n    - run: python -m "
    "build\n    - run: twine upload dist/*",
    better="wheels:\n  strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}\npublish:\n  needs: wheels\n  "
    "steps:\n    - run: twine upload dist/*",
    check=_check,
)
