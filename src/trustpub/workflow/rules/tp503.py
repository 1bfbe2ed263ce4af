# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job that is skipped because one that it needs is."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, conditions
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import runs, wanted
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        condition = job.value.get("if")
        if condition is None or conditions.asks_status(str(condition)):
            continue
        found = next(
            (
                (situation, needed)
                for way in scene.ways_to(job)
                if len(way.jobs) == 1
                for situation in way.situations
                if wanted(job, situation)
                for needed in job.needs
                if needed in job.workflow.jobs and runs(job.workflow.jobs[needed], situation) is False
            ),
            None,
        )
        if found is not None:
            situation, needed = found
            yield RULE.at(
                job.file.key(job.value, "needs", job.place),
                f"job {job.name!r} is meant to run on {situation.told}, and is skipped with {needed!r}, which it needs",
                fix=f"take {needed!r} from `needs:`, or write `if: ${{{{ !cancelled() && !failure() && ... }}}}`",
            )


RULE = Rule(
    ident="TP503",
    severity=Severity.WARNING,
    title="skipped with a job that it needs",
    confidence=Confidence.HIGH,
    explanation="A job whose needed job is skipped is skipped too, unless its condition speaks of how that one ended.",
    seen="This job was skipped",
    fix="Need only jobs that run in the same situations, or say `!cancelled() && !failure()` in the condition.",
    example="test:\n  if: github.event_name == 'pull_request'\npublish:\n  needs: test\n  if: github.event_name == "
    "'push'",
    better="test:\n  if: github.event_name == 'pull_request'\npublish:\n  needs: test\n  if: ${{ !cancelled() && "
    "!failure() && github.event_name == 'push' }}",
    check=_check,
)
