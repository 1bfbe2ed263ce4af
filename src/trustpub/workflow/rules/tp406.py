# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A tag that is never compared with the version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.running import reached
from trustpub.workflow.scene import Scene, Way

_COMPARED = re.compile(
    r"GITHUB_REF|github\.ref|ref_name|GITHUB_SHA|--expect-tag|trustpub check|trustpub publish|tag_name|git describe"
    r"|git tag|CI_COMMIT_TAG|bump|semantic-release|release-please"
)


def _check(scene: Scene) -> Iterator[Finding]:
    version = mapping(scene.pyproject.get("project")).get("version")
    # A folder that is no repository, and declares nothing, has no tags that anybody could compare.
    if (scene.repository is None and scene.declared.path is None) or not isinstance(version, str):
        return
    seen: set[str] = set()
    for job, step in asking.asking(scene):
        for way in scene.ways_to(job):
            tagged = any(one.of_tag and reached(way, one, step) is not False for one in way.situations)
            if not tagged or way.entry.name in seen or job.target(step).test or _compares(way):
                continue
            seen.add(way.entry.name)
            yield RULE.at(
                step.place if step.file is job.file else job.place,
                f"nothing in {way.entry.name} compares the tag with the version that is built",
                why=f"the version is written in pyproject.toml: {version}",
                fix='declare `tag = "v{version}"` in [tool.trustpub], and run `trustpub check dist/*` where the '
                "distributions are built: it compares the two",
            )


def _compares(way: Way) -> bool:
    for link in way.jobs:
        for job in link.workflow.before(link):
            for step in job.steps:
                texts = [*step.lines, *(str(value) for value in mapping(step.value.get("env")).values())]
                texts += [str(step.value.get("if", "")), *(str(value) for value in step.given.values())]
                if step.action is not None and re.search(r"tag|version", step.action.name):
                    return True
                if any(_COMPARED.search(text) for text in texts):
                    return True
    return False


RULE = Rule(
    ident="TP406",
    severity=Severity.WARNING,
    title="the tag is never compared with the version",
    confidence=Confidence.MEDIUM,
    explanation="The version is written in a file and the release starts with a tag. When they differ, the index "
    "either has the version already, or gets a wrong one that can never be used again.",
    seen="400 File already exists",
    fix="Compare them before anything is published.",
    example="- run: python -m build",
    better="# pyproject.toml: [tool.trustpub] tag = 'v{version}'\n- run: python -m build\n- run: trustpub check dist/*",
    check=_check,
)
