# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publishing job that may hang for six hours."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        if "timeout-minutes" in job.value or any("timeout-minutes" in step.value for step in job.publishing):
            continue
        before = next((key for key in ("environment", "permissions", "steps") if key in job.value), None)
        yield RULE.at(
            job.place,
            f"job {job.name!r} may hang for six hours before anybody hears of it",
            fix=f"add `timeout-minutes: 15` to jobs.{job.name}",
            edits=editing.add(job.file, job.value, "timeout-minutes: 15", before=before),
        )


RULE = Rule(
    ident="TP313",
    severity=Severity.ADVICE,
    title="no time limit",
    confidence=Confidence.HIGH,
    explanation="GitHub ends a job after six hours. An upload that hangs, or waits for a token service that is down, "
    "should be noticed sooner.",
    fix="Add `timeout-minutes`.",
    example="publish:\n  runs-on: ubuntu-latest",
    better="publish:\n  runs-on: ubuntu-latest\n  timeout-minutes: 15",
    fixes=True,
    check=_check,
)
