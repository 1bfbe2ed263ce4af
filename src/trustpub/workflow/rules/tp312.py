# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A checkout, or somebody else's action, in the job that may publish."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_OWN = frozenset({"actions", "github", "pypa", "trustpub"})
_INSTALLERS = frozenset({"astral-sh/setup-uv", "pdm-project/setup-pdm"})


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        if not asking.may_identify(job.granted):
            continue
        for step in job.steps:
            if step.action is None or step.publication is not None:
                continue
            place = step.place if step.file is job.file else job.place
            if step.action.name == "actions/checkout":
                yield RULE.at(
                    place,
                    f"job {job.name!r} checks the repository out, and may publish",
                    fix="check out and build in another job",
                )
            elif step.action.name.partition("/")[0] not in _OWN and step.action.name not in _INSTALLERS:
                yield RULE.at(place, f"job {job.name!r} runs {step.action.name}, which then may publish too")


RULE = Rule(
    ident="TP312",
    severity=Severity.WARNING,
    title="more than publishing in the publishing job",
    confidence=Confidence.HIGH,
    explanation="Whatever runs in a job with `id-token: write` can publish: scripts of the repository, and every "
    "action.",
    fix="Download the artifact and publish it. Do everything else in jobs before or after.",
    example="publish:\n  permissions: {id-token: write}\n  steps:\n    - uses: actions/checkout@v7\n    - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    better="publish:\n  permissions: {id-token: write}\n  steps:\n    - uses: actions/download-artifact@v8\n    - "
    "uses: pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
