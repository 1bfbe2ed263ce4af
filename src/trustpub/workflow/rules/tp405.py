# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A version from git that is built from a checkout without tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Job, Scene, Step
from trustpub.workflow.version import TOLD_BY_VARIABLE

_SAYS_IT = (*dict.fromkeys(TOLD_BY_VARIABLE.values()), "PDM_BUILD_SCM_VERSION")
"""Beginnings of variables that say the version, so that nobody looks for it in the history."""
_FETCHED = re.compile(r"\bgit\b.*\bfetch\b.*(?:--tags|--unshallow|--depth|refs/tags)|\bgit fetch\b")
_LEFT_OUT = re.compile(r"no[-_]local[-_]version")
"""Said to what makes versions: the part after a plus, which indexes refuse, is left out between tags."""


def _check(scene: Scene) -> Iterator[Finding]:
    if not scene.version_source.from_git:
        return
    seen: set[int] = set()
    for job, step in asking.asking(scene):
        for way in scene.ways_to(job):
            branch = any(one.of_branch and reached(way, one, step) for one in way.situations)
            for one in (building for link in way.jobs for building in link.workflow.before(link)):
                checkout = _shallow(one)
                if checkout is None or id(checkout.value) in seen:
                    continue
                seen.add(id(checkout.value))
                certain = branch and not _LEFT_OUT.search(scene.pyproject_text)
                yield RULE.at(
                    checkout.place if checkout.file is one.file else one.place,
                    f"job {one.name!r} builds a version from git, and checks out one commit without its tags",
                    why="it may be started on a branch, and the version is then a local one" if certain else None,
                    severity=Severity.ERROR if certain else None,
                    fix="add `fetch-depth: 0` to the checkout",
                    edits=_deep(checkout),
                )


def _shallow(job: Job) -> Step | None:
    """The checkout of a job that builds, if it brings one commit only."""
    if not any(asking.builds(step) for step in job.steps):
        return None
    if any(_FETCHED.search(line) for step in job.steps for line in step.lines) or _is_told(job):
        return None
    for step in job.steps:
        if step.uses("actions/checkout"):
            depth = step.given.get("fetch-depth", 1)
            whole = str(depth) == "0" or "${{" in str(depth) or asking.on(step.given.get("fetch-tags"))
            return None if whole or step.given.get("repository") else step
    return None


def _is_told(job: Job) -> bool:
    """Whether a variable says the version."""
    places = [*job.variables, *(mapping(step.value.get("env")) for step in job.steps)]
    return any(str(name).startswith(_SAYS_IT) for place in places for name in place)


def _deep(step: Step) -> tuple[Edit, ...] | None:
    if "fetch-depth" in step.given:
        return editing.put(step.file, step.given, "fetch-depth", "0")
    if isinstance(step.value.get("with"), dict):
        return editing.add(step.file, step.value["with"], "fetch-depth: 0")
    return None if "with" in step.value else editing.add(step.file, step.value, "with:\n  fetch-depth: 0")


RULE = Rule(
    ident="TP405",
    severity=Severity.WARNING,
    title="a version from git, without the tags",
    confidence=Confidence.HIGH,
    explanation="actions/checkout brings one commit and no tags. A plain push of a tag works, since the tag itself "
    "is there; started by hand or on a branch the version becomes something like 0.1.dev1+g40e3ce6, which indexes "
    "refuse.",
    seen="400 The use of local versions in <Version('0.1.dev1+g40e3ce6')> is not allowed",
    fix="Check out with `fetch-depth: 0`.",
    example="# build-system.requires: setuptools-scm\n- uses: actions/checkout@v7\n- run: python -m build",
    better="- uses: actions/checkout@v7\n  with:\n    fetch-depth: 0\n- run: python -m build",
    fixes=True,
    check=_check,
)
