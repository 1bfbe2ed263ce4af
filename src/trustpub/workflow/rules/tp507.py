# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release that a newer run cancels."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[int] = set()
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            holders = [(link.workflow.file, link.workflow.document) for link in way.jobs]
            for file, holder in [*holders, (job.file, job.value)]:
                given = holder.get("concurrency")
                if not isinstance(given, dict) or given.get("cancel-in-progress") is not True or id(given) in seen:
                    continue
                seen.add(id(given))
                yield RULE.at(
                    file.key(given, "cancel-in-progress"),
                    f"a newer run cancels job {job.name!r} in the middle of an upload",
                    fix="write `cancel-in-progress: false`",
                    edits=editing.put(file, given, "cancel-in-progress", "false"),
                )


RULE = Rule(
    ident="TP507",
    severity=Severity.WARNING,
    title="a release that can be cancelled half-way",
    confidence=Confidence.HIGH,
    explanation="Files that are up stay up. A run that is cancelled between two of them leaves half a release, which "
    "cannot be uploaded again from a new build.",
    fix="Let releases wait for each other.",
    example="concurrency:\n  group: release\n  cancel-in-progress: true",
    better="concurrency:\n  group: release\n  cancel-in-progress: false",
    fixes=True,
    check=_check,
)
