# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every leg of a matrix uploads an artifact of the same name."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import artifacts, asking, pins, running
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[int] = set()
    for job in scene.publishing:
        for way in scene.ways_to(job):
            run = artifacts.of(scene, way)
            for one in run.uploads if run is not None else ():
                if id(one.step.value) in seen or not _clashes(one):
                    continue
                seen.add(id(one.step.value))
                yield RULE.at(
                    one.step.file.value(one.step.given, "name", one.step.place),
                    f"every run of job {one.job.name!r} uploads the artifact {one.name!r}, and the second one fails",
                    fix=f"name each one: `{one.name}-${{{{ strategy.job-index }}}}`, and download them with "
                    "`merge-multiple: true`",
                )


def _clashes(one: artifacts.Upload) -> bool:
    version = pins.version_of(one.step)
    if one.name is None or not one.job.matrix or (version is not None and version.major < 4):
        return False
    if asking.on(one.step.given.get("overwrite")) or "matrix" in str(one.step.value.get("if", "")):
        return False
    return running.leg_count(one.job) != 1


RULE = Rule(
    ident="TP404",
    severity=Severity.ERROR,
    title="one artifact name for a whole matrix",
    confidence=Confidence.HIGH,
    explanation="Since version 4 of upload-artifact an artifact cannot be added to: the first leg makes it, the "
    "others fail, and their wheels are missing.",
    seen="Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with "
    "this name already exists on the workflow run",
    fix="Put something of the matrix into the name, and download with `pattern:` and `merge-multiple: true`.",
    example="wheels:\n  strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}\n  steps:\n    - uses: "
    "actions/upload-artifact@v7\n      with: {name: dist}",
    better="wheels:\n  strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}\n  steps:\n    - uses: "
    "actions/upload-artifact@v7\n      with: {name: 'dist-${{ matrix.os }}'}",
    check=_check,
)
