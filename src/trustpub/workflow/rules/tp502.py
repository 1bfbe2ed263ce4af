# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A condition that can never be true."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import running
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Way


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        ways = [way for way in scene.ways_to(job) if way.situations]
        if not ways:
            continue
        events = ", ".join(dict.fromkeys(one.told for way in ways for one in way.situations))
        found = next((link for link in ways[0].jobs if _never(ways, link)), None)
        if found is not None:
            yield RULE.at(
                found.file.key(found.value, "if", found.place),
                f"job {found.name!r} can never run: its condition is false on {events}",
                why=f"the condition is `{found.value['if']}`",
            )
            continue
        for step in job.publishing:
            if "if" in step.value and all(
                running.step_runs(step, job, situation) is False for way in ways for situation in way.situations
            ):
                yield RULE.at(
                    step.file.key(step.value, "if", step.place),
                    f"the step of job {job.name!r} that publishes can never run: its condition is false on {events}",
                    why=f"the condition is `{step.value['if']}`",
                )


def _never(ways: list[Way], link: Job) -> bool:
    if "if" not in link.value or any(link not in way.jobs for way in ways):
        return False
    return all(running.link_wanted(way, link, situation) is False for way in ways for situation in way.situations)


RULE = Rule(
    ident="TP502",
    severity=Severity.ERROR,
    title="a condition that can never be true",
    confidence=Confidence.HIGH,
    explanation="The condition asks for another event or reference than those that start the workflow. The job is "
    "skipped every time, and a skipped job is green.",
    seen="This job was skipped",
    fix="Ask for what the workflow is started by.",
    example="on: release\njobs:\n  publish:\n    if: github.event_name == 'push'",
    better="on: release\njobs:\n  publish:\n    if: github.event_name == 'release'",
    check=_check,
)
