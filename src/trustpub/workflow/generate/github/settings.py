# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What GitHub has to know besides the workflow: its environments, who lets a release through, and from which refs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trustpub.declared import ANY_VERSION
from trustpub.workflow.generate import publisher
from trustpub.workflow.generate.answers import Answers, Target


def commands(answers: Answers) -> tuple[str, ...]:
    """Commands of ``gh`` that make the environments, for a POSIX shell; may be run again."""
    return tuple(command for target in publisher.targets(answers) for command in _environment(answers, target))


def _environment(answers: Answers, target: Target) -> Iterator[str]:
    if target.environment is None:
        return
    # A name with a slash is one part of the path.
    place = f"repos/{answers.owner}/{answers.repository}/environments/{target.environment.replace('/', '%2F')}"
    fields = [
        "-F 'deployment_branch_policy[protected_branches]=false'",
        "-F 'deployment_branch_policy[custom_branch_policies]=true'",
    ]
    if answers.reviewers and target.name == answers.target.name:
        fields += ["-f 'reviewers[][type]=User'", '-F "reviewers[][id]=$(gh api user --jq .id)"']
    yield f"gh api --silent --method PUT {place} {' '.join(fields)}"
    for kind, pattern in _refs(answers, target):
        yield (f"gh api --silent --method POST {place}/deployment-branch-policies -f 'name={pattern}' -f type={kind}")


def _refs(answers: Answers, target: Target) -> Sequence[tuple[str, str]]:
    """From which branches and tags a job may enter it."""
    tag = ("tag", answers.tag.replace(ANY_VERSION, "*"))
    branch = ("branch", answers.branch)
    if answers.trigger == "dispatch":
        return [branch]
    every_push = answers.trial == "every-push" and target.name != answers.target.name
    return [tag, branch] if every_push else [tag]
