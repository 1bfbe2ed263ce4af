# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which jobs make tags and releases with GITHUB_TOKEN, whose events start no workflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trustpub.workflow.documents import mapping
from trustpub.workflow.scene import Job, Step, Workflow
from trustpub.workflow.situations import situations

TOLD = {"release": "a release", "push": "a tag"}
_RELEASING = frozenset(
    {
        "softprops/action-gh-release", "ncipollo/release-action", "actions/create-release",
        "googleapis/release-please-action", "google-github-actions/release-please-action",
        "python-semantic-release/python-semantic-release", "python-semantic-release/publish-action",
        "cycjimmy/semantic-release-action", "marvinpinto/action-automatic-releases", "release-drafter/release-drafter",
        "elgohr/github-release-action", "comnoco/create-release-action",
    }
)  # fmt: skip
_TAGGING = frozenset(
    {
        "mathieudutour/github-tag-action", "anothrnick/github-tag-action", "rickstaa/action-create-tag",
        "commitizen-tools/commitizen-action", "salsify/action-detect-and-tag-new-version",
    }
)  # fmt: skip
_CREATES = re.compile(r"\bgh release create\b|\bsemantic-release (?:publish|version)\b")
_PUSHES = re.compile(
    r"\bgit push\b[^;&|]*(?:--tags|--follow-tags|\btags?\b|refs/tags|\$\{?\w*(?:TAG|VERSION|tag|version))"
)
_TOKEN_INPUTS = ("token", "github_token", "github-token", "repo-token", "personal_access_token")
_OWN = re.compile(r"github\.token|secrets\.GITHUB_TOKEN", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maker:
    """A job that makes a tag or a release with GITHUB_TOKEN."""

    workflow: Workflow
    job: Job
    events: frozenset[str]
    """``release`` and ``push``: those that would come, had somebody else done it."""

    dispatches: bool
    """Whether its workflow starts others itself, which is allowed."""


def makers(workflow: Workflow) -> Iterator[Maker]:
    """Those of ``workflow``, one for each job."""
    started = situations(workflow.triggers)
    tagged = bool(started) and all(one.of_tag and one.event == "push" for one in started)
    for job in workflow.jobs.values():
        events: set[str] = set()
        for step in job.steps:
            events |= _made(job, step)
        if tagged:
            events.discard("push")  # the tag is there: it started this
        if events:
            yield Maker(workflow=workflow, job=job, events=frozenset(events), dispatches=_dispatches(workflow))


def _dispatches(workflow: Workflow) -> bool:
    text = workflow.file.text
    return any(word in text for word in ("gh workflow run", "createWorkflowDispatch", "/dispatches"))


def _made(job: Job, step: Step) -> set[str]:
    if step.action is not None:
        if step.action.name in _RELEASING and not _draft(step) and _own_token(step.given, step.value.get("env")):
            return {"release", "push"}
        if step.action.name in _TAGGING and _own_token(step.given, step.value.get("env")):
            return {"push"}
        return set()
    for line in step.lines:
        if _CREATES.search(line) and "--draft" not in line and _own_variables(job, step):
            return {"release"} if "--verify-tag" in line else {"release", "push"}
        if _PUSHES.search(line) and _own_checkout(job):
            return {"push"}
    return set()


def _draft(step: Step) -> bool:
    """A person publishes a draft, and that event comes."""
    return str(step.given.get("draft", "")).lower() == "true" or (
        step.uses("release-drafter/release-drafter") and str(step.given.get("publish", "")).lower() != "true"
    )


def _own_token(given: Any, env: Any) -> bool:
    for key in _TOKEN_INPUTS:
        if mapping(given).get(key):
            return _OWN.search(str(mapping(given)[key])) is not None
    named = mapping(env).get("GITHUB_TOKEN") or mapping(env).get("GH_TOKEN")
    return named is None or _OWN.search(str(named)) is not None


def _own_variables(job: Job, step: Step) -> bool:
    for variables in (mapping(step.value.get("env")), *job.variables):
        for key in ("GH_TOKEN", "GITHUB_TOKEN"):
            if key in variables:
                return _OWN.search(str(variables[key])) is not None
    return False


def _own_checkout(job: Job) -> bool:
    """What git pushes with what the checkout was given."""
    for step in job.steps:
        if step.uses("actions/checkout"):
            token = step.given.get("token")
            return not step.given.get("ssh-key") and (token is None or _OWN.search(str(token)) is not None)
    return False
