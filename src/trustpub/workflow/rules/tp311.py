# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Building in the job that may publish."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        if not asking.may_identify(job.granted):
            continue
        step = next((one for one in job.steps if asking.builds(one)), None)
        if step is not None:
            yield RULE.at(
                step.place if step.file is job.file else job.place,
                f"job {job.name!r} builds the distributions and may publish as well",
                why="the build backend and everything it requires can ask for an identity token",
                fix="build in a job of its own, and hand the files over with upload-artifact and download-artifact",
            )


RULE = Rule(
    ident="TP311",
    severity=Severity.WARNING,
    title="the build is in the publishing job",
    confidence=Confidence.HIGH,
    explanation="A build runs other people's code. In a job with `id-token: write` that code can publish, here and "
    "now.",
    fix="Two jobs: one builds and uploads an artifact, the other downloads and publishes it.",
    example="publish:\n  permissions: {id-token: write}\n  steps:\n    - run: python -m build\n    - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    better="build:\n  steps:\n    - run: python -m build\n    - uses: actions/upload-artifact@v7\npublish:\n  needs: "
    "build\n  permissions: {id-token: write}\n  steps:\n    - uses: actions/download-artifact@v8\n    - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
