# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Skipping what exists on the index that people install from."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing, uploads
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for step in job.publishing:
            if not job.target(step).real:
                continue
            key = next((one for one in ("skip-existing", "skip_existing") if asking.on(step.given.get(one))), None)
            line = uploads.line_of(step.value)
            if key is None and not ("--skip-existing" in line and not line.startswith("trustpub")):
                continue
            yield RULE.at(
                step.place if key is None else step.file.key(step.given, key, step.place),
                f"job {job.name!r} skips files that the index already has, whatever is in them",
                why="a release whose tag is not its version is then green, and nothing was published",
                fix="take it out; `trustpub publish` skips identical files only",
                edits=None if key is None else editing.drop_inner(step.file, step.value, "with", key),
            )


RULE = Rule(
    ident="TP309",
    severity=Severity.WARNING,
    title="skip-existing on the real index",
    confidence=Confidence.HIGH,
    explanation="It makes a second attempt go through, and hides that other bytes, or another version, were meant.",
    seen="WARNING Skipping demo-1.0.tar.gz because it appears to already exist",
    fix="Skip existing files on the test index only; publish with a client that compares what it skips.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    skip-existing: true",
    better="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    repository-url: "
    "https://test.pypi.org/legacy/\n    skip-existing: true",
    fixes=True,
    check=_check,
)
