# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An environment URL that names another project."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import editing
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_PROJECT = re.compile(r"https?://(?:test\.)?pypi\.org/(?:p|project)/(?P<name>[^/?#]+)")


def _check(scene: Scene) -> Iterator[Finding]:
    own = scene.project
    if own is None or len(scene.members) > 1:
        return
    for job in scene.publishing:
        given = job.value.get("environment")
        url = mapping(given).get("url")
        match = _PROJECT.match(url) if isinstance(url, str) else None
        if match is None or "${" in match["name"] or _folded(match["name"]) == _folded(own):
            continue
        text = str(url)
        better = text[: match.start("name")] + own + text[match.end("name") :]
        yield RULE.at(
            job.file.value(given, "url"),
            f"the environment of job {job.name!r} links to the project {match['name']!r}, and this one is {own!r}",
            fix=f"write {better}",
            edits=editing.put(job.file, given, "url", editing.written(better) if ":" not in better else better),
        )


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RULE = Rule(
    ident="TP108",
    severity=Severity.WARNING,
    title="the environment links to another project",
    confidence=Confidence.HIGH,
    explanation="GitHub shows the environment's URL beside every deployment. A copied one sends people to somebody "
    "else's project, or to one that anybody may register.",
    fix="Write the URL of this project.",
    example="environment:\n  name: pypi\n  url: https://pypi.org/p/YOURPROJECT",
    better="environment:\n  name: pypi\n  url: https://pypi.org/p/demo",
    fixes=True,
    check=_check,
)
