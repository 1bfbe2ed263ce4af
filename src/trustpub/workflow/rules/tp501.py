# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow that waits for an event which GitHub does not send."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, making
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene, Way


def _check(scene: Scene) -> Iterator[Finding]:
    makers = [maker for workflow in scene.workflows.values() for maker in making.makers(workflow)]
    if not makers or any(one.dispatches for one in makers):
        return
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            waiting = _waits_for(way)
            maker = next((one for one in makers if waiting & one.events and one.workflow is not way.entry), None)
            if maker is None:
                continue
            event = "release" if "release" in waiting & maker.events else "push"
            others = [one for one in way.entry.triggers if one not in ("release", "push", "workflow_call")]
            yield RULE.at(
                way.entry.trigger_place(event),
                f"{way.entry.name} waits for {making.TOLD[event]} that {maker.workflow.name} makes, and GitHub will "
                "not start it",
                why=f"job {maker.job.name!r} of {maker.workflow.name} works with GITHUB_TOKEN, whose events start no "
                "workflow",
                severity=Severity.WARNING if others else None,
                fix=f"move job {job.name!r} into {maker.workflow.name}, after job {maker.job.name!r}; or let it run "
                f"`gh workflow run {way.entry.name}`",
            )
            break


def _waits_for(way: Way) -> frozenset[str]:
    """What starts the way: a release, or the push of a tag."""
    met = {one.event for one in way.situations if one.of_tag and one.event in ("release", "push")}
    return frozenset(met)


RULE = Rule(
    ident="TP501",
    severity=Severity.ERROR,
    title="the event never comes",
    confidence=Confidence.HIGH,
    explanation="What a workflow does with GITHUB_TOKEN starts no other workflow, so that they cannot start each "
    "other for ever. A release or tag that one workflow makes is not seen by the one that publishes. There is no "
    "error: nothing happens.",
    seen="(nothing: the release is there, and the workflow has no run)",
    fix="Publish in the workflow that makes the release, or start the other one with `gh workflow run`.",
    example="# tag.yml\n- run: gh release create v1.0.0\n  env: {GH_TOKEN: '${{ github.token }}'}\n# release.yml\n"
    "on: release",
    better="# tag.yml\n- run: gh release create v1.0.0 && gh workflow run release.yml --ref v1.0.0\n  env: "
    "{GH_TOKEN: '${{ github.token }}'}\n# release.yml\non: workflow_dispatch",
    check=_check,
)
