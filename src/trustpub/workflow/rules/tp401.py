# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An artifact that is downloaded, and that nothing uploads."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import artifacts
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for way in scene.ways_to(job):
            run = artifacts.of(scene, way)
            if run is None or not run.complete:
                continue
            names = {one.name for one in run.uploads}
            for step in artifacts.downloads(job):
                name = str(step.given.get("name", ""))
                if not name or "${{" in name or None in names or name in names:
                    continue
                known = ", ".join(sorted(str(one) for one in names)) or "none"
                yield RULE.at(
                    step.file.value(step.given, "name", step.place),
                    f"job {job.name!r} downloads the artifact {name!r}, and nothing uploads it (there is: {known})",
                    seen=f"Unable to download artifact(s): Artifact not found for name: {name}",
                    fix="write the same name for upload-artifact and download-artifact",
                )
            break


RULE = Rule(
    ident="TP401",
    severity=Severity.ERROR,
    title="an artifact that is never uploaded",
    confidence=Confidence.MEDIUM,
    explanation="The files are handed from job to job by the artifact's name. One letter of difference, and the last "
    "job stops.",
    seen="Unable to download artifact(s): Artifact not found for name: dist",
    fix="Use one name on both sides.",
    example="build:\n  steps:\n    - uses: actions/upload-artifact@v7\n      with: {name: dist}\npublish:\n  "
    "steps:\n    - uses: actions/download-artifact@v8\n      with: {name: dists}",
    better="build:\n  steps:\n    - uses: actions/upload-artifact@v7\n      with: {name: dist}\npublish:\n  "
    "steps:\n    - uses: actions/download-artifact@v8\n      with: {name: dist}",
    check=_check,
)
