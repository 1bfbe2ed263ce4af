# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A file that its CI would not take."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.located import Place
from trustpub.workflow.scene import TOP, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for one in scene.broken:
        if not one.declaration:
            spot = TOP._replace(line=one.line)
            yield RULE.at(Place(path=one.path, spot=spot), one.message)


RULE = Rule(
    ident="TP001",
    severity=Severity.ERROR,
    title="a file that cannot be read",
    confidence=Confidence.HIGH,
    explanation="The CI refuses the whole file, so that nothing in it ever runs. Nothing else was looked for in it.",
    seen="Invalid workflow file",
    fix="Make it YAML again: each key once, spaces for indentation, no tag but those that the CI knows.",
    example="on: push\non: release",
    better="on: [push, release]",
    check=_check,
)
