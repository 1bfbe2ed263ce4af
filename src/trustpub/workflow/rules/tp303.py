# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A pin to a tag object in place of a commit."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing, pins
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.scene import Scene, Step
from trustpub.workflow.uploads import PYPI_ACTION


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for step in job.steps:
            if not asking.with_pypi_action(step) or step.action is None:
                continue
            version = pins.tag_object(step.action.ref)
            if version is None:
                continue
            commit = pins.COMMITS.get(version)
            yield RULE.at(
                step.file.value(step.value, "uses", step.place),
                f"the PyPI action is pinned to the tag object of v{version}, not to its commit",
                why="its container image is named by the commit; there is none by this id",
                seen=f"docker: Error response from daemon: manifest unknown: ghcr.io/{PYPI_ACTION}:{step.action.ref}",
                fix=f"pin {commit}" if commit else f"pin the commit that v{version} points to",
                edits=_repinned(step, commit) if commit else None,
            )


def _repinned(step: Step, commit: str) -> tuple[Edit, ...] | None:
    return editing.put(step.file, step.value, "uses", f"{PYPI_ACTION}@{commit}")


RULE = Rule(
    ident="TP303",
    severity=Severity.ERROR,
    title="a pin to a tag object",
    confidence=Confidence.HIGH,
    explanation="A tag with a message is an object with an id of its own. Most actions run under either id; the PyPI "
    "action's image is found under the commit only.",
    seen="docker: Error response from daemon: manifest unknown",
    fix="Pin the commit: `git ls-remote` shows it behind the name that ends in `^{}`.",
    example="- uses: pypa/gh-action-pypi-publish@6733eb7d741f0b11ec6a39b58540dab7590f9b7d # v1.14.0",
    better="- uses: pypa/gh-action-pypi-publish@cef221092ed1bacb1cc03d23a2d87d1d172e277b # v1.14.0",
    fixes=True,
    check=_check,
)
