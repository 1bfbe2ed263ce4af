# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publishing job that forks run too."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    home = scene.home
    if home is None:
        return
    for job in asking.asking_jobs(scene):
        ways = scene.ways_to(job)
        steps = [step for step in job.publishing if job.secret(step) is None]
        everywhere = any(
            reached(way, situation.elsewhere(), step)
            for way in ways
            for situation in way.situations
            for step in steps
            if situation.event not in ("pull_request", "pull_request_target")
        )
        if not everywhere:
            continue
        edits = None
        if "if" not in job.value:
            before = next((key for key in ("runs-on", "uses", "steps") if key in job.value), None)
            edits = editing.add(job.file, job.value, f"if: github.repository == '{home}'", before=before)
        yield RULE.at(
            job.place,
            f"job {job.name!r} also runs in forks, where it can only fail",
            fix=f"add `if: github.repository == '{home}'` to jobs.{job.name}",
            edits=edits,
        )


RULE = Rule(
    ident="TP109",
    severity=Severity.ADVICE,
    title="forks run it too",
    confidence=Confidence.MEDIUM,
    explanation="Whoever forks the repository and pushes a tag starts this job. No publisher matches there, so its "
    "owner gets a mail about a failed workflow.",
    seen="invalid-publisher: valid token, but no corresponding publisher",
    fix="Say in the job's condition which repository it is for.",
    example="publish:\n  runs-on: ubuntu-latest",
    better="publish:\n  if: github.repository == 'acme/demo'\n  runs-on: ubuntu-latest",
    fixes=True,
    check=_check,
)
