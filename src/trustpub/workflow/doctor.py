# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor: every rule over one project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trustpub.workflow.findings import Finding, Severity
from trustpub.workflow.rules.table import RULES
from trustpub.workflow.scene import Scene, read

if TYPE_CHECKING:
    from trustpub.workflow.fixing import Fixed

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.ADVICE: 2}


def examine(root: Path) -> tuple[Scene, tuple[Finding, ...]]:
    """The project in ``root``, and what every rule finds in it, in the order of files and lines."""
    scene = read(root)
    return scene, findings(scene)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """What every rule finds in ``scene``; the same thing is said once."""
    return ordered(finding for rule in RULES for finding in rule.check(scene))


def ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """``found`` without repetitions, by file, line, column, severity and rule."""
    once = {(one.ident, one.path, one.line, one.column, one.message): one for one in found}
    return tuple(
        sorted(once.values(), key=lambda one: (one.path, one.line, one.column, _ORDER[one.severity], one.ident))
    )


def remedy(scene: Scene, found: Sequence[Finding]) -> Fixed:
    """What ``--fix`` would do: the edits of ``found``, made in the texts of the scene's files."""
    from trustpub.workflow.fixing import plan

    texts = {file.path: file.text for file in scene.files}
    if scene.pyproject_text:
        texts["pyproject.toml"] = scene.pyproject_text
    return plan(sorted(found, key=lambda one: (_ORDER[one.severity], one.ident)), texts)
