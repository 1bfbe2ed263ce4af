# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release workflow that was changed since the last release."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, history
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    if scene.repository is None or not scene.repository.tags:
        return
    seen: set[str] = set()
    for job in asking.asking_jobs(scene):
        workflow = job.workflow
        if workflow.name in seen:
            continue
        seen.add(workflow.name)
        changed = history.changed_since_last_tag(scene.root, workflow.file.path)
        if changed is not None:
            yield RULE.at(
                job.place,
                f"{workflow.name} was changed after {changed}, the newest tag: it has not released anything yet",
                fix="play a release with it: `trustpub rehearse`",
            )


RULE = Rule(
    ident="TP512",
    severity=Severity.ADVICE,
    title="never exercised since it was changed",
    confidence=Confidence.MEDIUM,
    explanation="A release workflow runs on release day only. Many broke with a change that nobody tried.",
    fix="Rehearse: `trustpub rehearse` plays the whole release on this machine, offline.",
    example="# git log: release.yml was changed after v1.2.0",
    better="# trustpub rehearse",
    check=_check,
)
