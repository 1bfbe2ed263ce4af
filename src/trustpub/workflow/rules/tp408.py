# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A cache in a release."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene, Step

_CACHING = {
    "actions/setup-python": ("cache", ""),
    "actions/setup-node": ("cache", ""),
    "astral-sh/setup-uv": ("enable-cache", ""),
    "pdm-project/setup-pdm": ("cache", ""),
    "swatinem/rust-cache": None,
    "actions/cache": None,
    "mozilla-actions/sccache-action": None,
    "hendrikmuhs/ccache-action": None,
}


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[int] = set()
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            for one in (needed for link in way.jobs for needed in link.workflow.before(link)):
                for step in one.steps:
                    key = _caches(step)
                    if key is None or id(step.value) in seen:
                        continue
                    seen.add(id(step.value))
                    place = step.file.key(step.given, key, step.place) if key else step.place
                    yield RULE.at(
                        place,
                        f"job {one.name!r}, whose files are published, restores a cache",
                        fix="build releases without a cache",
                        edits=editing.put(step.file, step.given, key, "false") if key == "enable-cache" else None,
                    )


def _caches(step: Step) -> str | None:
    """The input that asks for the cache, the empty text where the action is one; None where there is none."""
    if step.action is None or step.action.name not in _CACHING:
        return None
    known = _CACHING[step.action.name]
    if known is None:
        return "" if not step.action.path.endswith("save") else None
    value = step.given.get(known[0])
    return known[0] if value not in (None, "", False, "false", "auto") and "${{" not in str(value) else None


RULE = Rule(
    ident="TP408",
    severity=Severity.WARNING,
    title="a cache in a release",
    confidence=Confidence.HIGH,
    explanation="A cache may have been written by any other workflow of the branch. Somebody who can run code in one "
    "of them can put files into the next release; releases were poisoned that way.",
    fix="Build releases without a cache. They are rare enough.",
    example="- uses: astral-sh/setup-uv@v7\n  with:\n    enable-cache: true",
    better="- uses: astral-sh/setup-uv@v7\n  with:\n    enable-cache: false",
    fixes=True,
    check=_check,
)
