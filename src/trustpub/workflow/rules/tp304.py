# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An action of a publishing job that is not pinned."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing, pins
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.located import value_spot
from trustpub.workflow.scene import Scene, Step
from trustpub.workflow.uploads import PYPI_ACTION


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[int] = set()
    for job in asking.asking_jobs(scene):
        for step in job.steps:
            if step.action is None or step.action.pinned or id(step.value) in seen:
                continue
            seen.add(id(step.value))
            action = step.action
            better = _pin(step)
            yield RULE.at(
                step.file.value(step.value, "uses", step.place),
                f"{action.name}{action.path} in job {job.name!r} is whatever {action.ref!r} is on the day",
                fix=f"pin a commit: {action.name}@{better or '<commit>'}",
                edits=_edit(step, better),
            )


def _pin(step: Step) -> str | None:
    if step.action is None or step.action.name != PYPI_ACTION:
        return None
    if pins.exact(step.action.ref):
        return pins.pinned(step.action.ref.lstrip("v"))
    return pins.pinned(pins.NEWEST) if step.action.ref in ("release/v1", "v1", "unstable/v1", "master") else None


def _edit(step: Step, better: str | None) -> tuple[Edit, ...] | None:
    spot = value_spot(step.value, "uses")
    if better is None or spot is None or step.action is None:
        return None
    text = step.file.text
    commented = text[spot.end : text.find("\n", spot.end)].strip() if "\n" in text[spot.end :] else text[spot.end :]
    pin = better.partition(" ")[0] if commented else better
    return editing.put(step.file, step.value, "uses", f"{PYPI_ACTION}@{pin}")


RULE = Rule(
    ident="TP304",
    severity=Severity.WARNING,
    title="an action that is not pinned",
    confidence=Confidence.HIGH,
    explanation="A tag or branch of an action is what its owner, or whoever took over, makes of it today. In this "
    "job that is enough to publish in your name.",
    fix="Pin the commit, with the version in a comment; Dependabot and Renovate keep both up to date.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1",
    better="- uses: pypa/gh-action-pypi-publish@dc37677b2e1c63e2034f94d8a5b11f265b73ba33 # v1.14.2",
    fixes=True,
    check=_check,
)
