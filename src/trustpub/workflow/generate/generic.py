# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release on any other CI: a script with two halves, for two jobs, of which only the second has an identity."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from trustpub.ci.gitlab import variables
from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers, Target
from trustpub.workflow.generate.registration import Command, Registration, targets
from trustpub.workflow.generate.written import Written, marked

REQUIREMENTS = "ci/release-requirements.txt"
SCRIPT = "ci/release.sh"
_KNOWN = "CircleCI, Buildkite, Azure Pipelines, Bitbucket, Semaphore, Jenkins, Kubernetes and Forgejo"


def files(answers: Answers) -> tuple[Written, ...]:
    """The script, and the requirements of its first half."""
    requirements = Written(path=PurePosixPath(REQUIREMENTS), text=shell.requirements(answers.builder), whole=True)
    script = Written(path=PurePosixPath(SCRIPT), text=f"#!/usr/bin/env bash\n{marked(_script(answers))}")
    return script, requirements


def registration(answers: Answers) -> tuple[Registration, ...]:
    """For each index one whose fields are claims, which a token of that CI shows."""
    return tuple(
        Registration(target=target, kind="generic", fields={}, trial=trial) for target, trial in targets(answers)
    )


def commands(answers: Answers) -> tuple[Command, ...]:
    """See which claims a job has, to register some of them."""
    index = shlex.quote(answers.target.url or answers.target.name)
    return (
        Command(
            why="In a job of this CI: show what an index would see of it, and which fields to register",
            lines=(f"trustpub whoami --index {index}",),
        ),
    )


def _script(answers: Answers) -> str:
    parts = [
        *_told(answers),
        "set -euo pipefail",
        'cd "$(dirname "$0")/.."',
        'case "${1:-}" in',
        *_tests(answers),
        "  build)",
        *_indented(_first(answers)),
        "    ;;",
    ]
    for target, trial in targets(answers):
        parts += [f"  {'try' if trial else 'publish'})", *_indented(_second(answers, target)), "    ;;"]
    words = [
        *(["test"] if answers.tests else []),
        "build",
        *("try" if trial else "publish" for _, trial in targets(answers)),
    ]
    parts += [
        "  *)",
        f'    echo "Say what to do: {", ".join(words[:-1])} or {words[-1]}" >&2',
        "    exit 2",
        "    ;;",
        "esac",
    ]
    return "\n".join(parts) + "\n"


def _told(answers: Answers) -> Sequence[str]:
    lines = [
        "# A release in two jobs: `release.sh build` makes and checks the files in dist/, for the tag in RELEASE_TAG;",
        "# `release.sh publish` publishes them, as the job that it runs in. Hand dist/ over from one to the other.",
        *(["# `release.sh test` comes before, in a job of its own."] if answers.tests else []),
        "#",
        f"# On {_KNOWN} the second",
        "# finds its identity token itself. Elsewhere, ask the CI for one, put it into a file that nobody else reads,",
        "# and name the file in IDENTITY_TOKEN_FILE. Its audience (aud) must be:",
    ]
    for target, _ in targets(answers):
        audience = target.name if target.public else target.audience
        if audience is None:
            lines.append(f"#   for {target.name}  what `curl {target.url} …/_/oidc/audience` says")
        else:
            lines.append(
                f"#   for {target.name}  {audience}   (in a variable, where the CI wants one: {variables(audience)[0]})"
            )
    return lines


def _tests(answers: Answers) -> Sequence[str]:
    if answers.tests is None:
        return ()
    return ("  test)", *_indented([*_into(answers), answers.tests]), "    ;;")


def _first(answers: Answers) -> Sequence[str]:
    return [
        ': "${RELEASE_TAG:?is the tag that is released}"',
        *shell.install(REQUIREMENTS, answers),
        *_into(answers),
        shell.build(answers),
        shell.check(answers.target, tag="$RELEASE_TAG"),
    ]


def _second(answers: Answers, target: Target) -> Sequence[str]:
    publish = shell.publish(target, attestations=answers.attestations)
    given = '${IDENTITY_TOKEN_FILE:+--identity-token "$IDENTITY_TOKEN_FILE"}'
    return [
        shell.install_alone(target, attestations=answers.attestations),
        *_into(answers),
        publish.replace(" dist/*", f" {given} dist/*"),
    ]


def _into(answers: Answers) -> Sequence[str]:
    return () if str(answers.folder) == "." else (f"cd {shlex.quote(str(answers.folder))}",)


def _indented(commands: Sequence[str]) -> Sequence[str]:
    return [f"    {line}" for command in commands for line in command.splitlines()]
