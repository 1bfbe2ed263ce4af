# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Artifact actions of a version that was switched off, or that do not fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import artifacts, pins
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_CHANGED = 4


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[int] = set()
    for job in scene.publishing:
        for way in scene.ways_to(job):
            run = artifacts.of(scene, way)
            steps = [*(one.step for one in run.uploads), *artifacts.downloads(job)] if run is not None else []
            for step in steps:
                version = pins.version_of(step)
                if version is None or version.major >= _CHANGED or id(step.value) in seen:
                    continue
                seen.add(id(step.value))
                newer = any(other.major >= _CHANGED for one in steps if (other := pins.version_of(one)) is not None)
                yield RULE.at(
                    step.file.value(step.value, "uses", step.place),
                    f"v{version.major} of {step.action.name if step.action else ''} is switched off"
                    + (", and does not fit the newer one on the other side" if newer else ""),
                    fix="use v4 or newer on both sides",
                )


RULE = Rule(
    ident="TP403",
    severity=Severity.ERROR,
    title="artifacts of a version that is gone",
    confidence=Confidence.HIGH,
    explanation="From version 4 on artifacts are kept elsewhere: version 3 and version 4 do not see each other's. "
    "GitHub has also switched version 3 off.",
    seen="This request has been automatically failed because it uses a deprecated version of "
    "`actions/upload-artifact: v3`.",
    fix="Bring both actions to version 4 or newer together.",
    example="build:\n  steps:\n    - uses: actions/upload-artifact@v3\npublish:\n  steps:\n    - uses: "
    "actions/download-artifact@v4",
    better="build:\n  steps:\n    - uses: actions/upload-artifact@v7\npublish:\n  steps:\n    - uses: "
    "actions/download-artifact@v8",
    check=_check,
)
