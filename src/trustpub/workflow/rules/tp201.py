# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publishing job without `id-token: write`."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene

_UNSET = (
    "OpenID Connect token retrieval failed: GitHub: missing or insufficient OIDC token permissions, the "
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN environment variable was unset"
)


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        ways = scene.ways_to(job)
        lacking = [way for way in ways if asking.without_token(way) is job]
        if not lacking:
            continue
        tool = job.publishing[0].publication
        uv = tool is not None and tool.tool == "uv publish"
        yield RULE.at(
            job.place,
            f"job {job.name!r} will get no identity token",
            why=_why(job),
            seen="Missing credentials for https://upload.pypi.org/legacy/" if uv else _UNSET,
            fix=f"add `id-token: write` under jobs.{job.name}.permissions",
            edits=asking.grant(job),
        )


def _why(job: Job) -> str:
    own = job.value.get("permissions")
    if own is not None:
        told = ", ".join(f"{name}: {value}" for name, value in own.items()) if isinstance(own, dict) else str(own)
        return f"its own `permissions:` ({told or 'none'}) replaces the workflow's, and `id-token: write` is not in it"
    if "permissions" in job.workflow.document:
        return "`id-token: write` is not among the workflow's permissions, and the job has none of its own"
    return "neither the job nor the workflow has `permissions:`, and `id-token: write` is never given by default"


RULE = Rule(
    ident="TP201",
    severity=Severity.ERROR,
    title="no `id-token: write`",
    confidence=Confidence.HIGH,
    explanation="GitHub gives a job an identity token only if its permissions say so. A job's own `permissions:` "
    "replaces the workflow's as a whole: what is not repeated there is gone.",
    seen=_UNSET,
    fix="Give the publishing job `id-token: write`.",
    example="publish:\n  permissions:\n    contents: read\n  steps:\n    - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    better="publish:\n  permissions:\n    id-token: write\n  steps:\n    - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    fixes=True,
    check=_check,
)
