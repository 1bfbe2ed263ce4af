# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Artifacts that end up one folder too deep."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import artifacts, asking, editing, uploads
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Step


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for way in scene.ways_to(job):
            run = artifacts.of(scene, way)
            if run is not None:
                yield from _job(job, run)
            break


def _job(job: Job, run: artifacts.Run) -> Iterator[Finding]:
    publishing = [step for step in job.publishing if _looks_in(step) is not None]
    moved = any(re.search(r"\b(?:mv|cp|find|rsync|flatten)\b", line) for step in job.steps for line in step.lines)
    if not publishing or moved:
        return
    folder = _looks_in(publishing[0])
    for step in artifacts.downloads(job):
        given = step.given
        if any(given.get(key) for key in ("name", "artifact-ids")) or asking.on(given.get("merge-multiple")):
            continue
        path = artifacts.folder(str(given.get("path") or ""))
        names = [one.name for one in run.uploads]
        if not names or path != folder or path == "":
            continue
        example = next((one for one in names if one), "dist")
        yield RULE.at(
            step.place if step.file is job.file else job.place,
            f"job {job.name!r} downloads every artifact into a folder of its own, such as {path}/{example}/, and "
            f"publishes what is in {folder}/",
            fix="add `merge-multiple: true`, or download one artifact by its name",
            edits=_merged(step),
        )


def _merged(step: Step) -> tuple[Edit, ...] | None:
    return editing.add(step.file, step.value.get("with"), "merge-multiple: true")


def _looks_in(step: Step) -> str | None:
    """The folder whose files it uploads; None where that is not plain to see."""
    if asking.with_pypi_action(step):
        given = step.given.get("packages-dir") or step.given.get("packages_dir") or "dist"
        return artifacts.folder(str(given))
    words = uploads.line_of(step.value).split()
    files = [word for word in words[2:] if "/" in word and not word.startswith("-") and "://" not in word]
    if files:
        name, _, pattern = files[-1].strip("\"'").rpartition("/")
        return artifacts.folder(name) if "/" not in name and pattern.startswith("*") else None
    return "dist" if words[:2] in (["uv", "publish"], ["trustpub", "publish"]) else None


RULE = Rule(
    ident="TP402",
    severity=Severity.ERROR,
    title="files one folder too deep",
    confidence=Confidence.MEDIUM,
    explanation="Without a name, download-artifact makes a folder for every artifact. The tool that publishes looks "
    "into `dist/` and finds folders.",
    seen="It looks like there are no Python distribution packages to publish in the directory 'dist/'",
    fix="Add `merge-multiple: true`, or download by name.",
    example="- uses: actions/download-artifact@v8\n  with:\n    path: dist/",
    better="- uses: actions/download-artifact@v8\n  with:\n    path: dist/\n    merge-multiple: true",
    fixes=True,
    check=_check,
)
