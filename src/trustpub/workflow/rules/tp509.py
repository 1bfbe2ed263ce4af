# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are added to a GitHub release which is published already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene, Step, Way

_ACTIONS = (
    "softprops/action-gh-release", "svenstaro/upload-release-action", "actions/upload-release-asset",
    "alexellis/upload-assets", "shogo82148/actions-upload-release-asset", "csexton/release-asset-action",
)  # fmt: skip
_COMMAND = re.compile(r"\bgh release upload\b")
_CREATES = re.compile(r"\bgh release create\b")


def _check(scene: Scene) -> Iterator[Finding]:
    entries = {way.entry.name: way for way in scene.ways}
    for way in entries.values():
        yield from _after_creation(way)
        if not any(one.event == "release" and one.action in ("published", "released") for one in way.situations):
            continue
        for job in way.entry.jobs.values():
            step = next((one for one in job.steps if _adds(one)), None)
            if step is None:
                continue
            first = job.name in {one.name for one in way.entry.before(way.jobs[0])}
            yield RULE.at(
                step.place if step.file is job.file else job.place,
                f"job {job.name!r} adds files to a release that is published already",
                why="and nothing is uploaded to the index when that fails" if first else None,
                severity=Severity.ERROR if first and job is not way.job else Severity.WARNING,
                fix="start with the tag, and make the release with its files last: `gh release create TAG dist/*`",
            )


def _after_creation(way: Way) -> Iterator[Finding]:
    """A release that is created without its files, which are added afterwards."""
    steps = [(job, step) for job in way.entry.jobs.values() for step in job.steps]
    lines = [line for _, step in steps for line in step.lines]
    created = next((line for line in lines if _CREATES.search(line)), None)
    if created is None or "--draft" in created:
        return
    for job, step in steps:
        if any(_COMMAND.search(line) for line in step.lines):
            yield RULE.at(
                step.place if step.file is job.file else job.place,
                f"job {job.name!r} adds files to a release that is published already",
                severity=Severity.WARNING,
                fix="give the files to `gh release create`, which makes a draft, adds them, and publishes",
            )
            return


def _adds(step: Step) -> bool:
    return step.uses(*_ACTIONS) or any(_COMMAND.search(line) for line in step.lines)


RULE = Rule(
    ident="TP509",
    severity=Severity.ERROR,
    title="files added to a published release",
    confidence=Confidence.MEDIUM,
    explanation="Where releases are immutable, which a repository or organisation can switch on, nothing can be "
    "added to one that is published. A publishing job that waits for it is never reached.",
    seen="422 Cannot upload assets to an immutable release",
    fix="Publish to the index first; then create the release with its files in one command.",
    example="on:\n  release:\n    types: [published]\njobs:\n  attach:\n    steps:\n      - run: gh release upload "
    "v1.0.0 dist/*",
    better="on:\n  push:\n    tags: ['v*']\njobs:\n  release:\n    needs: publish\n    steps:\n      - run: gh "
    "release create v1.0.0 dist/*",
    check=_check,
)
