# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A declaration in pyproject.toml that cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.located import Place
from trustpub.workflow.scene import TOP, Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for one in scene.broken:
        if one.declaration:
            yield RULE.at(Place(path=one.path, spot=TOP), one.message)


RULE = Rule(
    ident="TP002",
    severity=Severity.ERROR,
    title="a declared publisher that cannot be meant",
    confidence=Confidence.HIGH,
    explanation="`[tool.trustpub]` is what the client, the doctor and the messages go by. What it says cannot be "
    "meant, so nothing can be compared with it.",
    fix="Write the fields that the form of the index has, under `[tool.trustpub.indexes.NAME.publisher]`.",
    example='[tool.trustpub.indexes.pypi.publisher]\nkind = "github"',
    better='[tool.trustpub.indexes.pypi.publisher]\nkind = "github"\nrepository = "acme/demo"\nworkflow = '
    '"release.yml"',
    check=_check,
)
