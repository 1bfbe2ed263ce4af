# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The identity that published last is not the one that this repository would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity, nothing
from trustpub.workflow.scene import Job, Scene


def compare(scene: Scene, index: str, last: Mapping[str, Any], filename: str) -> Iterator[Finding]:
    """Findings where no publishing job is the ``last`` publisher, as a provenance document (PEP 740) names it."""
    if str(last.get("kind")) != "GitHub":
        return
    was = {
        "repository": str(last.get("repository") or ""),
        "workflow": str(last.get("workflow") or ""),
        "environment": str(last.get("environment") or ""),
    }
    best: tuple[int, Job, list[str]] | None = None
    for job, step in asking.asking(scene):
        if asking.declared_index(scene, step, job.target(step)) != index:
            continue
        differs = _differences(scene, job, was)
        if best is None or len(differs) < best[0]:
            best = len(differs), job, differs
    if best is not None and best[2]:
        yield RULE.at(
            best[1].place,
            f"{filename}, the newest file on {index}, was published by somebody else: {'; '.join(best[2])}",
            why=f"its provenance names {was['repository']} {was['workflow']}"
            + (f" in the environment {was['environment']}" if was["environment"] else ""),
        )


def _differences(scene: Scene, job: Job, was: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    home = scene.home
    if home is not None and home.lower() != was["repository"].lower():
        found.append(f"the repository was {was['repository']}, and is {home}")
    if job.workflow.name != was["workflow"]:
        found.append(f"the workflow was {was['workflow']}, and is {job.workflow.name}")
    environment = job.environment or ""
    if "${{" not in environment and was["environment"] and environment.lower() != was["environment"].lower():
        found.append(f"the environment was {was['environment']}, and is {environment or 'none'}")
    return found


RULE = Rule(
    ident="TP150",
    severity=Severity.ERROR,
    title="the last release was published by another identity",
    confidence=Confidence.MEDIUM,
    explanation="The newest file's provenance names the last identity that is known to work. Where this repository "
    "would show another one, it must be registered before the next release. Looked at with `--online`.",
    seen="invalid-publisher: valid token, but no corresponding publisher",
    fix="Register the new identity on the index, or give the old names back.",
    example="# provenance: acme/demo publish.yml\n# .github/workflows/release.yml\n- uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    better="# provenance: acme/demo release.yml\n# .github/workflows/release.yml\n- uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    check=nothing,
)
