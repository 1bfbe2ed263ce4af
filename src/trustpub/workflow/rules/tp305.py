# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An upload tool that is older than the metadata of the build backend."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.version import Version

from trustpub.workflow import asking, editing, pins
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.located import value_spot
from trustpub.workflow.scene import Scene, Step
from trustpub.workflow.uploads import PYPI_ACTION

_FIRST = Version("1.12.3")
_OLDEST_KNOWN = Version("1.4")
_PINNED_BACKEND = re.compile(r"(?:==|<|~=)\s*\d")


def _check(scene: Scene) -> Iterator[Finding]:
    backend = _backend(scene)
    for job in scene.publishing:
        for step in job.publishing:
            version = pins.version_of(step)
            if not asking.with_pypi_action(step) or version is None or not _is_old(step, version):
                continue
            pin = pins.pinned(pins.NEWEST) or ""
            yield RULE.at(
                step.file.value(step.value, "uses", step.place),
                f"version {version} of the PyPI action cannot read the metadata that {backend or 'a backend of today'} "
                "writes",
                why="it has a twine that knows metadata up to 2.3; 2.4 has been written since the end of 2024",
                severity=None if backend else Severity.WARNING,
                fix=f"use v{pins.NEWEST}",
                edits=editing.put(step.file, step.value, "uses", f"{PYPI_ACTION}@{pin}") if _bare(step) else None,
            )


def _is_old(step: Step, version: Version) -> bool:
    """`v1` is a moving name of the newest; `v1.8` stayed where it was."""
    return _OLDEST_KNOWN <= version < _FIRST


def _bare(step: Step) -> bool:
    spot = value_spot(step.value, "uses")
    return spot is not None and not step.file.text[spot.end :].split("\n", 1)[0].strip()


def _backend(scene: Scene) -> str | None:
    """The build backend, if it is one that writes metadata 2.4 and is free to be the newest."""
    for one in listed(mapping(scene.pyproject.get("build-system")).get("requires")):
        match = re.match(r"\s*(hatchling|setuptools|flit[-_]core|pdm-backend|poetry-core|maturin)\b(.*)", str(one))
        if match is not None and not _PINNED_BACKEND.search(match[2]):
            return match[1]
    return None


RULE = Rule(
    ident="TP305",
    severity=Severity.ERROR,
    title="an action that is older than the metadata",
    confidence=Confidence.MEDIUM,
    explanation="Build backends write newer metadata than old releases of the PyPI action can read. Nothing is "
    "missing in the metadata, whatever the message says.",
    seen="InvalidDistribution: Metadata is missing required fields: Name, Version.",
    fix="Use version 1.12.3 or newer.",
    example="- uses: pypa/gh-action-pypi-publish@v1.8.6",
    better="- uses: pypa/gh-action-pypi-publish@dc37677b2e1c63e2034f94d8a5b11f265b73ba33 # v1.14.2",
    fixes=True,
    check=_check,
)
