# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One job that uploads several projects, of which one is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_ALL = re.compile(r"\b(?:uv build|hatch build|pdm build)\b.*--all(?:-packages)?\b")


def _check(scene: Scene) -> Iterator[Finding]:
    members = scene.members
    if len(members) < 2 or scene.declared.workspace or scene.declared.path is None:
        return
    for job in asking.asking_jobs(scene):
        building = [
            one for one in job.workflow.before(job) for step in one.steps for line in step.lines if _ALL.search(line)
        ]
        if building:
            yield RULE.at(
                job.place,
                f"job {job.name!r} uploads {', '.join(members)}, and one publisher is declared for one project",
                fix="register the publisher with each of these projects, and declare `workspace = true`",
            )


RULE = Rule(
    ident="TP107",
    severity=Severity.ERROR,
    title="several projects with one identity",
    confidence=Confidence.MEDIUM,
    explanation="An upload token is good for the projects that the publisher is registered with. A job that builds "
    "all packages of a repository fails at the first one it is not registered with, when others are up already.",
    seen="Invalid API Token: OIDC scoped token is not valid for project",
    fix="Register the same publisher with every project, and say so with `workspace = true` in `[tool.trustpub]`.",
    example="- run: uv build --all-packages",
    better="# pyproject.toml: [tool.trustpub] workspace = true\n- run: uv build --all-packages",
    check=_check,
)
