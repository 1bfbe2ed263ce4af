# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A GitHub environment that does not hold up a release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity, nothing
from trustpub.workflow.located import Place


def missing(place: Place, home: str, name: str) -> Finding:
    """The environment does not exist."""
    return RULE.at(
        place,
        f"{home} has no environment {name!r}: the first run creates it, without any rule",
        severity=Severity.WARNING,
        fix=f"gh api --method PUT repos/{home}/environments/{name}",
    )


def judged(place: Place, home: str, name: str, settings: Mapping[str, Any], policies: list[Any]) -> Iterator[Finding]:
    """What is wrong with the environment's ``settings`` and its ``policies`` of branches and tags."""
    rules = {str(one.get("type")) for one in listed(settings.get("protection_rules")) if isinstance(one, dict)}
    if "required_reviewers" not in rules:
        yield RULE.at(
            place,
            f"nobody has to approve a release in the environment {name!r} of {home}",
            severity=Severity.WARNING,
            fix=f"add required reviewers: Settings > Environments > {name}",
        )
    branch_policy = settings.get("deployment_branch_policy")
    if branch_policy is None:
        yield RULE.at(
            place,
            f"every branch and tag may release in the environment {name!r} of {home}",
            severity=Severity.WARNING,
            fix=f"allow tags only: Settings > Environments > {name} > Deployment branches and tags",
        )
    elif policies and not any(mapping(one).get("type") == "tag" for one in policies):
        yield RULE.at(
            place,
            f"the rules of the environment {name!r} of {home} are for branches, and no tag may release",
            seen=f'Tag "v1.0.0" is not allowed to deploy to {name} due to environment protection rules',
            fix=f"add a rule of the type tag: Settings > Environments > {name} > Deployment branches and tags",
        )


RULE = Rule(
    ident="TP153",
    severity=Severity.ERROR,
    title="an environment that lets nothing, or everything, through",
    confidence=Confidence.HIGH,
    explanation="The rules of an environment are settings of the repository, in no file. A rule for branches keeps "
    "every tag out; without any rule everybody who can push may release. Looked at with `--online` and "
    "`--github-token`.",
    seen='Tag "v0.10.0" is not allowed to deploy to release due to environment protection rules',
    fix="Require reviewers, and allow the tags of releases.",
    example="# Settings > Environments > pypi: branch rule v*",
    better="# Settings > Environments > pypi: tag rule v*, required reviewers",
    check=nothing,
)
