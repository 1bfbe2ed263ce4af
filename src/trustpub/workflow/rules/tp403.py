# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Artifacts of one kind that are asked for in the other."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import (
    artifacts,
    pins,
)
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_CHANGED = 4


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for way in scene.ways_to(job):
            run = artifacts.of(scene, way)
            ups = {version.major for one in run.uploads if (version := pins.version_of(one.step))} if run else set()
            for step in artifacts.downloads(job):
                down = pins.version_of(step)
                if down is None or not ups or down.major in ups:
                    continue
                if all((up < _CHANGED) != (down.major < _CHANGED) for up in ups):
                    yield RULE.at(
                        step.file.value(step.value, "uses", step.place),
                        f"job {job.name!r} downloads with v{down.major} what was uploaded with v{max(ups)}",
                        fix="use v4 or newer on both sides",
                    )
            break


RULE = Rule(
    ident="TP403",
    severity=Severity.ERROR,
    title="upload and download do not fit",
    confidence=Confidence.HIGH,
    explanation="From version 4 on artifacts are kept elsewhere: version 3 and version 4 do not see each other's. "
    "GitHub has also switched version 3 off.",
    seen="Unable to find any artifacts for the associated workflow",
    fix="Bring both actions to version 4 or newer together.",
    example="build:\n  steps:\n    - uses: actions/upload-artifact@v3\npublish:\n  steps:\n    - uses: "
    "actions/download-artifact@v4",
    better="build:\n  steps:\n    - uses: actions/upload-artifact@v7\npublish:\n  steps:\n    - uses: "
    "actions/download-artifact@v8",
    check=_check,
)
