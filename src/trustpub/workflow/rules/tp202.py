# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A caller that grants less than the reusable workflow that it calls asks for."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[Job] = set()
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            lacking = asking.without_token(way)
            if lacking is None or lacking is job or lacking in seen:
                continue
            seen.add(lacking)
            yield RULE.at(
                lacking.place,
                f"job {lacking.name!r} calls {job.workflow.name} without `id-token: write`, which its job {job.name!r} "
                "needs",
                why="the permissions of a caller are the most that a called workflow can have",
                fix=f"add `id-token: write` under jobs.{lacking.name}.permissions",
                edits=asking.grant(lacking),
            )


RULE = Rule(
    ident="TP202",
    severity=Severity.ERROR,
    title="the caller grants less than the called workflow asks",
    confidence=Confidence.HIGH,
    explanation="A called workflow cannot have more permissions than the job that calls it. Where it asks for more, "
    "the whole run is refused before it starts.",
    seen="The nested job 'publish' is requesting 'id-token: write', but is only allowed 'id-token: none'.",
    fix="Give the calling job `id-token: write`; better, move the upload into the calling workflow (TP106).",
    example="publish:\n  permissions:\n    contents: read\n  uses: ./.github/workflows/upload.yml",
    better="publish:\n  permissions:\n    id-token: write\n  uses: ./.github/workflows/upload.yml",
    fixes=True,
    check=_check,
)
