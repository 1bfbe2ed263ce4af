# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The whole workflow of a release on GitHub, and what goes with it.

What every one of them keeps to: nothing may do anything unless a job says so; what builds holds no identity, and what
holds the identity runs nothing but the upload; every action is pinned to a commit; nothing is cached; no checkout
leaves a token behind; an upload is never cut off; only the repository itself releases, and only for what it released.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import PurePosixPath

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers
from trustpub.workflow.generate.github import building, publishing
from trustpub.workflow.generate.written import Written, marked

FOLDER = PurePosixPath(".github/workflows")


def files(answers: Answers) -> tuple[Written, ...]:
    """What is to lie in the repository: the workflow, and the requirements of the job that builds."""
    requirements = Written(
        path=PurePosixPath(building.REQUIREMENTS), text=shell.requirements(answers.builder), whole=True
    )
    return Written(path=FOLDER / answers.workflow, text=marked(_workflow(answers))), requirements


def _workflow(answers: Answers) -> str:
    jobs = [
        publishing.prepare(answers),
        building.tests(answers),
        building.build(answers),
        building.trial_on_an_own_index(answers) if answers.trial == "own" else None,
        publishing.trial_on_testpypi(answers) if _tries(answers) else None,
        publishing.publish(answers),
        publishing.github_release(answers),
    ]
    parts = [
        f"# {_registered(answers)}",
        "name: Release",
        _triggers(answers),
        "permissions: {}",
        "concurrency:\n  group: release-${{ github.ref }}\n  cancel-in-progress: false # an upload is never cut off",
        "jobs:\n" + "\n\n".join(textwrap.indent(one, "  ") for one in jobs if one is not None),
    ]
    return "\n\n".join(parts) + "\n"


def _tries(answers: Answers) -> bool:
    return answers.trial in ("release", "every-push") and answers.target.name == "pypi"


def _registered(answers: Answers) -> str:
    said = [f"owner={answers.owner}", f"repository={answers.repository}", f"workflow={answers.workflow}"]
    if answers.target.environment is not None:
        said.append(f"environment={answers.target.environment}")
    return f"The publisher on {answers.target.name}: {' '.join(said)}"


def _triggers(answers: Answers) -> str:
    lines = ["on:"]
    branches: Sequence[str] = [f"    branches: [{answers.branch}]"] if answers.trial == "every-push" else ()
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
