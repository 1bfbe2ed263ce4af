# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A tag pattern that does not fit the project's tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking, globbing
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_VERSION_TAG = re.compile(r"(?:[A-Za-z][\w.-]*?[-/]?)?v?\d+(?:\.\d+)+\w*\Z")
_ENOUGH = 20


def _check(scene: Scene) -> Iterator[Finding]:
    tags = [tag for tag in (scene.repository.tags if scene.repository else ()) if _VERSION_TAG.match(tag)][-_ENOUGH:]
    declared = (scene.declared.tag or "").replace("{version}", "1.2.3")
    seen: set[str] = set()
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            push = mapping(way.entry.triggers.get("push"))
            patterns = [str(one) for one in listed(push.get("tags"))]
            if not patterns or way.entry.name in seen:
                continue
            seen.add(way.entry.name)
            place = way.entry.file.key(push, "tags")
            told = ", ".join(patterns)
            if declared and not globbing.matches(declared, patterns):
                yield RULE.at(
                    place, f"the declared tags, such as {declared}, do not match {told}", severity=Severity.WARNING
                )
            elif tags and not any(globbing.matches(tag, patterns) for tag in tags):
                yield RULE.at(place, f"no tag of this repository matches {told}; the last one is {tags[-1]}")


RULE = Rule(
    ident="TP511",
    severity=Severity.ADVICE,
    title="a tag pattern that no tag matches",
    confidence=Confidence.MEDIUM,
    explanation="A tag that does not match starts nothing, without a word.",
    seen="(nothing: the tag is there, and the workflow has no run)",
    fix="Write the pattern for the tags that you make, or make such tags.",
    example="# tags: 1.0.0, 1.1.0\non:\n  push:\n    tags: ['v*']",
    better="on:\n  push:\n    tags: ['[0-9]*']",
    check=_check,
)
