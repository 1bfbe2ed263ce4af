# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A concurrency group that asks for what no context has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.workflow import asking, conditions
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import File, Scene

_GITHUB = frozenset(
    {
        "action", "action_path", "action_ref", "action_repository", "action_status", "actor", "actor_id",
        "api_url", "artifact_cache_size_limit", "base_ref", "env", "event", "event_name", "event_path",
        "graphql_url", "head_ref", "job", "job_workflow_sha", "output", "path", "ref", "ref_name",
        "ref_protected", "ref_type", "repository", "repository_id", "repository_owner",
        "repository_owner_id", "repository_visibility", "repositoryurl", "retention_days", "run_attempt",
        "run_id", "run_number", "secret_source", "server_url", "sha", "state", "step_summary", "token",
        "triggering_actor", "workflow", "workflow_ref", "workflow_sha", "workspace",
    }
)  # fmt: skip
_CONTEXTS = frozenset({"github", "inputs", "vars", "needs", "strategy", "matrix"})
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def _check(scene: Scene) -> Iterator[Finding]:
    seen: set[int] = set()
    for job in asking.asking_jobs(scene):
        for way in scene.ways_to(job):
            for link in way.jobs:
                for holder in (link.workflow.document, link.value):
                    if id(holder) not in seen:
                        seen.add(id(holder))
                        yield from _group(link.file, holder)


def _group(file: File, holder: Mapping[str, Any]) -> Iterator[Finding]:
    given = holder.get("concurrency")
    where, key = (given, "group") if isinstance(given, dict) else (holder, "concurrency")
    text = where.get(key)
    if not isinstance(text, str):
        return
    for expression in _EXPRESSION.findall(text):
        for path in sorted(conditions.contexts(expression)):
            wrong = path[0] not in _CONTEXTS or (path[0] == "github" and len(path) > 1 and path[1] not in _GITHUB)
            if wrong:
                yield RULE.at(
                    file.value(where, key),
                    f"the concurrency group asks for `{'.'.join(path)}`, which does not exist and is always empty",
                    fix="write `github.ref`, or another context that GitHub has",
                )


RULE = Rule(
    ident="TP510",
    severity=Severity.WARNING,
    title="a concurrency group with a context that does not exist",
    confidence=Confidence.HIGH,
    explanation="An unknown name is an empty text. All runs are then in one group, and of several that wait only the "
    "last one runs: the releases before it are dropped.",
    seen="Canceling since a higher priority waiting request for ... exists",
    fix="Write a context that exists, such as `github.ref`.",
    example="concurrency:\n  group: release-${{ github.branch }}",
    better="concurrency:\n  group: release-${{ github.ref }}",
    check=_check,
)
