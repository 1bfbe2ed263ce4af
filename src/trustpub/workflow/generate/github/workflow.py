# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The whole workflow of a release on GitHub, and what goes with it.

What every one of them keeps to: nothing may do anything unless a job says so; what builds holds no identity, and what
holds the identity runs nothing but the upload; every action is pinned to a commit; nothing is cached; no checkout
leaves a token behind; an upload is never cut off; only the repository itself releases, and only for what it released.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers, Target
from trustpub.workflow.generate.github import building, guards, publishing
from trustpub.workflow.generate.registration import Command, Registration, ids, targets, told
from trustpub.workflow.generate.scalars import scalar
from trustpub.workflow.generate.written import Written, marked

FOLDER = PurePosixPath(".github/workflows")


def files(answers: Answers) -> tuple[Written, ...]:
    """What is to lie in the repository: the workflow, and the requirements of the job that builds."""
    requirements = Written(
        path=PurePosixPath(building.REQUIREMENTS), text=shell.requirements(answers.builder), whole=True
    )
    return Written(path=FOLDER / answers.workflow, text=marked(_workflow(answers))), requirements


def registration(answers: Answers) -> tuple[Registration, ...]:
    """The repository, the workflow and the environment, for each index."""
    return tuple(
        Registration(
            target=target,
            kind="github",
            fields={
                "repository": f"{answers.owner}/{answers.repository}",
                "workflow": answers.workflow,
                **({} if target.environment is None else {"environment": target.environment}),
                **ids(answers, "owner_id", "repository_id"),
            },
            trial=trial,
        )
        for target, trial in targets(answers)
    )


def commands(answers: Answers) -> tuple[Command, ...]:
    """What the repository's settings need: environments, who approves, which refs reach them, and tags that stay."""
    made = [one for target, trial in targets(answers) for one in _environment(answers, target, trial=trial)]
    return (*made, _protected_tags(answers))


def _workflow(answers: Answers) -> str:
    jobs = [
        building.prepare(answers),
        building.tests(answers),
        building.build(answers),
        publishing.trial_on_an_own_index(answers),
        publishing.trial_on_testpypi(answers),
        publishing.publish(answers),
        publishing.github_release(answers),
    ]
    # A push that waits must not take the place of a release that waits.
    group = (
        "release-${{ github.event_name }}-${{ github.ref }}" if guards.mixed(answers) else "release-${{ github.ref }}"
    )
    parts = [
        "\n".join(f"# {told(one)}" for one in registration(answers)),
        "name: Release",
        _triggers(answers),
        "permissions: {}",
        f"concurrency:\n  group: {group}\n  cancel-in-progress: false # an upload is never cut off",
        "jobs:\n" + "\n\n".join(textwrap.indent(one, "  ") for one in jobs if one is not None),
    ]
    return "\n\n".join(parts) + "\n"


def _triggers(answers: Answers) -> str:
    lines = ["on:"]
    branches: Sequence[str] = [f"    branches: [{scalar(answers.branch)}]"] if answers.trial == "every-push" else ()
    if answers.trigger == "tag":
        lines += ["  push:", *branches, f'    tags: ["{_pattern(answers.tag)}"]']
    elif answers.trigger == "release":
        lines += ["  release:", "    types: [published] # a draft is none yet"]
        lines += ["  push:", *branches] if branches else []
    else:
        lines += ["  workflow_dispatch:", "    inputs:", "      version:"]
        lines += ["        description: The version to release, such as 1.2.3", "        required: true"]
        lines += ["        type: string"]
        lines += ["  push:", *branches] if branches else []
    return "\n".join(lines)


def _pattern(tag: str) -> str:
    before, _, after = tag.partition("{version}")
    return f"{before}[0-9]*{after}"


def _environment(answers: Answers, target: Target, *, trial: bool) -> Sequence[Command]:
    """Make the environment of the job that publishes there, and say who and what gets into it."""
    if target.environment is None:
        return ()
    name = quote(target.environment, safe="")
    place = f"repos/{answers.owner}/{answers.repository}/environments/{name}"
    if trial and answers.trial == "every-push":
        return (Command(why=f"Make the environment {target.environment}", lines=(f"gh api --method PUT {place}",)),)
    reviewed = answers.reviewers and not trial
    options = ["-F 'deployment_branch_policy[protected_branches]=false'"]
    options.append("-F 'deployment_branch_policy[custom_branch_policies]=true'")
    if reviewed:
        options += ["-f 'reviewers[][type]=User'", '-F "reviewers[][id]=$(gh api user --jq .id)"']
    asks = ", which asks you before it lets a release through" if reviewed else ""
    made = Command(
        why=f"Make the environment {target.environment}{asks}",
        lines=(" ".join([f"gh api --method PUT {place}", *options]),),
    )
    kind, name = ("branch", answers.branch) if answers.trigger == "dispatch" else ("tag", _any_version(answers))
    rule = f"gh api --method POST {place}/deployment-branch-policies -f type={kind} -f name={shlex.quote(name)}"
    return (
        made,
        Command(why=f"Let only {'the branch' if kind == 'branch' else 'tags like'} {name} into it", lines=(rule,)),
    )


def _protected_tags(answers: Answers) -> Command:
    place = f"repos/{answers.owner}/{answers.repository}/rulesets"
    options = [
        "-f name='Release tags stay'", "-f target=tag", "-f enforcement=active",
        f"-f 'conditions[ref_name][include][]=refs/tags/{_any_version(answers)}'",
        "-F 'conditions[ref_name][exclude][]'", "-f 'rules[][type]=deletion'", "-f 'rules[][type]=update'",
    ]  # fmt: skip
    return Command(
        why="Let nobody move or delete the tag of a release",
        lines=(" ".join([f"gh api --method POST {place}", *options]),),
    )


def _any_version(answers: Answers) -> str:
    return answers.tag.replace("{version}", "*")
