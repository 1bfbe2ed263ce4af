# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A client that knows nothing of Trusted Publishing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Step

_TWINE = re.compile(r"\btwine\s*(?P<sign>==|<=?|~=)\s*(?P<version>\d+(?:\.\d+)*)")


def _check(scene: Scene) -> Iterator[Finding]:
    for job, step in asking.asking(scene):
        tool = "" if step.publication is None else step.publication.tool
        if not asking.gets_token(scene, job) or step.action is not None:
            continue
        if tool in ("poetry publish", "flit publish", "hatch publish"):
            yield _finding(job, step, f"`{tool}` knows nothing of Trusted Publishing")
        elif tool == "twine upload":
            old = next((match for one in job.steps for line in one.lines if (match := _TWINE.search(line))), None)
            if old is not None and _too_old(old["sign"], old["version"]):
                yield _finding(job, step, f"{old[0]} is older than 6.1, which was the first with Trusted Publishing")
            target = job.target(step)
            if target.name is not None and not target.of_pypi:
                yield _finding(job, step, "twine does Trusted Publishing for PyPI and TestPyPI only")


def _finding(job: Job, step: Step, said: str) -> Finding:
    return RULE.at(step.place, f"{said}: job {job.name!r} will be asked for a password")


def _too_old(sign: str, version: str) -> bool:
    numbers = tuple(int(part) for part in version.split("."))
    return numbers <= (6, 1) if sign == "<" else numbers < (6, 1)


RULE = Rule(
    ident="TP207",
    severity=Severity.ERROR,
    title="a client without Trusted Publishing",
    confidence=Confidence.HIGH,
    explanation="Poetry, Hatch and Flit publish with a token only; twine learnt Trusted Publishing in version 6.1, "
    "and only for PyPI and TestPyPI. Without a stored secret they stop and ask.",
    seen="HTTP Error 403: Invalid or non-existent authentication information.",
    fix="Build with your tool and publish with `trustpub publish dist/*`, `uv publish` or the PyPI action.",
    example="- run: poetry publish --build",
    better="- run: poetry build\n- run: trustpub publish dist/*",
    check=_check,
)
