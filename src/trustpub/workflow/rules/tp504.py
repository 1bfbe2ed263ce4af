# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release trigger without `types: [published]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.workflow import asking, editing
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.located import Sequence
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Scene, Way, Workflow


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[str] = set()
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            entry = way.entry
            if "release" not in entry.triggers or entry.name in seen:
                continue
            seen.add(entry.name)
            given = mapping(entry.triggers["release"])
            types = [str(one) for one in listed(given.get("types"))]
            if types and "created" not in types:
                continue
            if not types and not _several(way):
                continue  # a condition picks one
            yield RULE.at(
                entry.trigger_place("release"),
                f"{entry.name} is started by every change of a release"
                if not types
                else f"{entry.name} is started when a release is created, which is not when a draft is published",
                fix="write `types: [published]`",
                edits=_published(entry, given),
            )


def _several(way: Way) -> bool:
    met = {one.action for one in way.situations if one.event == "release" and reached(way, one) is not False}
    return len(met) > 1


def _published(workflow: Workflow, given: Mapping[str, Any]) -> tuple[Edit, ...] | None:
    file, on = workflow.file, workflow.document.get("on")
    types = given.get("types")
    if isinstance(types, Sequence) and types.flow:
        return (Edit(path=file.path, start=types.spot.start, end=types.spot.end, text="[published]"),)
    if isinstance(types, str):
        return editing.put(file, given, "types", "[published]")
    if isinstance(on, dict) and on.get("release") is None:
        return editing.put(file, on, "release", "{ types: [published] }")
    return None


RULE = Rule(
    ident="TP504",
    severity=Severity.WARNING,
    title="a release trigger for more, or less, than publishing",
    confidence=Confidence.HIGH,
    explanation="Without types the workflow also runs when a release is edited or deleted. `created` does not come "
    "for a draft that is published later.",
    fix="Say `types: [published]`.",
    example="on:\n  release:\n    types: [created]",
    better="on:\n  release:\n    types: [published]",
    fixes=True,
    check=_check,
)
