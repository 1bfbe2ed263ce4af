# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The build of a release on Google Cloud Build.

A job there is who its service account is, and every step of a build runs as the same one: so the account is one that
only releases have, and whoever may start a build as it may publish.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import PurePosixPath

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers
from trustpub.workflow.generate.registration import Command, Registration, ids, targets, told
from trustpub.workflow.generate.written import Written, marked

REQUIREMENTS = "ci/release-requirements.txt"
_MINUTES = 60
_COPY = (
    "# All steps share their folder: what tests leave behind is not to be built.",
    "cp -R . /tmp/tests",
    "cd /tmp/tests",
)
_TAGGED = ': "${TAG_NAME:?is not set: this build was not started for a tag}"'


def files(answers: Answers) -> tuple[Written, ...]:
    """The build's file, and the requirements of the step that builds."""
    requirements = Written(path=PurePosixPath(REQUIREMENTS), text=shell.requirements(answers.builder), whole=True)
    return Written(path=PurePosixPath(answers.workflow), text=marked(_build(answers))), requirements


def registration(answers: Answers) -> tuple[Registration, ...]:
    """The service account, for each index."""
    fields = {"email": answers.service_account or "", **ids(answers, "sub")}
    return tuple(
        Registration(target=target, kind="google", fields=fields, trial=trial) for target, trial in targets(answers)
    )


def commands(answers: Answers) -> tuple[Command, ...]:
    """Make the account, read its number, let it write logs, and let tags start the build."""
    email = answers.service_account or ""
    name, _, project = email.removesuffix(".iam.gserviceaccount.com").partition("@")
    before, _, after = answers.tag.partition("{version}")
    pattern = "^" + before.replace(".", r"\.") + "[0-9]" + (".*" + after.replace(".", r"\.") + "$" if after else "")
    trigger = [
        "gcloud builds triggers create github --name release", f"--project {project}",
        f"--repo-owner {answers.owner or 'OWNER'} --repo-name {answers.repository or 'NAME'}",
        f"--tag-pattern {shlex.quote(pattern)} --build-config {answers.workflow}",
        f"--service-account projects/{project}/serviceAccounts/{email}",
        *(["--require-approval"] if answers.reviewers else []),
    ]  # fmt: skip
    return (
        Command(
            why="Make the service account that only releases have",
            lines=(f"gcloud iam service-accounts create {name} --project {project} --display-name Releases",),
        ),
        Command(
            why="Read its number, which is never given to another: the field sub of the publisher",
            lines=(f"gcloud iam service-accounts describe {email} --project {project} --format 'value(uniqueId)'",),
        ),
        Command(
            why="Let it write the log of its builds, and nothing else",
            lines=(
                (
                    f"gcloud projects add-iam-policy-binding {project} --member serviceAccount:{email} "
                    "--role roles/logging.logWriter"
                ),
            ),
        ),
        Command(
            why=f"Start the build for tags{', once somebody approves it' if answers.reviewers else ''}",
            lines=(" ".join(trigger),),
        ),
    )


def _build(answers: Answers) -> str:
    steps = [*_history(answers), *_tests(answers), *_built(answers), *_trial(answers)]
    for target, _ in targets(answers):
        lines = [shell.install_alone(target, attestations=answers.attestations), *_into(answers)]
        lines.append(shell.publish(target, attestations=answers.attestations))
        steps.append(_step(f"publish-{target.name}", answers.python, lines))
    email = answers.service_account or ""
    project = email.removesuffix(".iam.gserviceaccount.com").partition("@")[2]
    head = [
        *(f"# {told(one)}" for one in registration(answers)),
        f"serviceAccount: projects/{project}/serviceAccounts/{email}",
        f"timeout: {_MINUTES * 60}s",
        "options:",
        "  logging: CLOUD_LOGGING_ONLY # the account has no bucket",
        "  automapSubstitutions: true # TAG_NAME is a variable of the scripts",
        "steps:",
    ]
    return "\n".join([*head, *(textwrap.indent(step, "  ") for step in steps)]) + "\n"


def _history(answers: Answers) -> Sequence[str]:
    """The clone of a build is shallow, and a version from git needs what is behind it."""
    if not answers.dynamic_version:
        return ()
    return ("- id: history\n  name: gcr.io/cloud-builders/git\n  args: [fetch, --unshallow, --tags]",)


def _tests(answers: Answers) -> Sequence[str]:
    if answers.tests is None:
        return ()
    pythons = answers.pythons or (answers.python,)
    return tuple(
        _step(f"tests-on-{python}", python, [*_COPY, *_into(answers), answers.tests], whole=answers.dynamic_version)
        for python in pythons
    )


def _built(answers: Answers) -> Sequence[str]:
    lines = [
        _TAGGED, *shell.install(REQUIREMENTS, answers), *_into(answers), shell.build(answers),
        shell.check(answers.target, tag="$TAG_NAME"),
    ]  # fmt: skip
    return (_step("build", answers.python, lines, whole=answers.dynamic_version),)


def _trial(answers: Answers) -> Sequence[str]:
    if answers.trial != "own":
        return ()
    publisher = f"--provider google --field email={answers.service_account} --pin-on-first-use"
    lines = [shell.ALONE_SERVING, *_into(answers), *shell.own_trial(answers, publisher)]
    return (_step("trial", answers.python, lines),)


def _step(ident: str, python: str, commands: Sequence[str], *, whole: bool = False) -> str:
    """A step with a script; ``whole``: in the image that has git."""
    lines = [
        f"- id: {ident}",
        f"  name: python:{python}{'' if whole else '-slim'}",
        "  script: |",
        "    #!/usr/bin/env bash",
        "    set -euo pipefail",
        textwrap.indent("\n".join(commands), "    "),
    ]
    return "\n".join(lines)


def _into(answers: Answers) -> Sequence[str]:
    return () if str(answers.folder) == "." else (f"cd {shlex.quote(str(answers.folder))}",)
