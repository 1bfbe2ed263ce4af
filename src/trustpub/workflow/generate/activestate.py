# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release from ActiveState's platform, which builds the wheel and publishes it itself.

What is written is the build script with its step ``pypi_publisher``, the State Tool's commands, both as they are in
``wrappers/activestate``, and a script that runs them with the values of the project.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers, Target
from trustpub.workflow.generate.registration import Command, Registration, ids, targets, told
from trustpub.workflow.generate.written import Written, marked

FOLDER = PurePosixPath("activestate")
REQUIREMENTS = FOLDER / "release-requirements.txt"
SCRIPT = FOLDER / "release.sh"
_TAKEN_OVER = ("buildscript.as", "publish.sh")
_HOSTS = {"pypi": "", "testpypi": "test.pypi.org"}


def files(answers: Answers) -> tuple[Written, ...]:
    """The script of this project, what it runs, and the requirements of its first half."""
    script = Written(path=SCRIPT, text=f"#!/usr/bin/env bash\n{marked(_script(answers))}")
    requirements = Written(path=REQUIREMENTS, text=shell.requirements(answers.builder), whole=True)
    return script, *(Written(path=FOLDER / name, text=_wrapper(name), whole=True) for name in _TAKEN_OVER), requirements


def registration(answers: Answers) -> tuple[Registration, ...]:
    """Organisation, project, and who starts the build, for each index."""
    fields = {
        "organization": answers.owner,
        "project": answers.repository,
        **ids(answers, "actor_id", "organization_id", "project_id"),
    }
    return tuple(
        Registration(target=target, kind="activestate", fields=fields, trial=trial)
        for target, trial in targets(answers)
    )


def commands(answers: Answers) -> tuple[Command, ...]:
    """Log in as who is registered, and look at the project."""
    who = answers.actor or "the user who is registered"
    return (
        Command(why=f"Log the State Tool in as {who}, who starts the builds", lines=("state auth",)),
        Command(
            why="Take the project, which must be private, to the folder where the releases are started",
            lines=(f"state checkout {answers.owner}/{answers.repository} .",),
        ),
        Command(
            why="A release: note the TIMESTAMP that the first says",
            lines=(f"bash {SCRIPT} source", *(f"bash {SCRIPT} {word} VERSION TIMESTAMP" for word in _words(answers))),
        ),
    )


def _wrapper(name: str) -> str:
    """A file of ``wrappers/activestate``, which is beside this module where trustpub is installed."""
    installed = resources.files(__package__ or "").joinpath("wrappers", name)
    if installed.is_file():
        return installed.read_text("utf-8")
    return (Path(__file__).parents[4] / "wrappers" / "activestate" / name).read_text("utf-8")


def _words(answers: Answers) -> tuple[str, ...]:
    return tuple("try" if trial else "publish" for _, trial in targets(answers))


def _script(answers: Answers) -> str:
    words = ["source", *_words(answers)]
    lines = [
        *(f"# {told(one)}" for one in registration(answers)),
        "#",
        f"# A release, with the State Tool logged in as {answers.actor or 'the user who is registered'}:",
        "#     release.sh source                      builds and checks the source and hands it over;",
        "#                                            the State Tool says a TIMESTAMP",
        *(f"#     release.sh {word:<7} VERSION TIMESTAMP   has the wheel built and published" for word in words[1:]),
        "set -euo pipefail",
        'here=$(cd "$(dirname "$0")" && pwd)',
        'cd "$here/.."',
        f"export ORGANIZATION={answers.owner} PACKAGE={answers.project}",
        'case "${1:-}" in',
        "  source)",
        *(f"    {line}" for line in _source(answers)),
        "    ;;",
    ]
    for target, trial in targets(answers):
        lines += [
            f"  {'try' if trial else 'publish'})",
            '    [ $# = 3 ] || { echo "Say the version and the timestamp that the State Tool said." >&2; exit 2; }',
            *(f"    {line}" for line in _into(answers)),
            f'    {_named(target)} VERSION=$2 bash "$here/publish.sh" release "$3"',
            "    ;;",
        ]
    said = f'    echo "Say what to do: {", ".join(words[:-1])} or {words[-1]}" >&2'
    return "\n".join([*lines, "  *)", said, "    exit 2", "    ;;", "esac"]) + "\n"


def _source(answers: Answers) -> Sequence[str]:
    return [
        *shell.install(str(REQUIREMENTS), answers),
        *_into(answers),
        "rm -rf dist",
        shell.build(answers, sdist=True),
        shell.check(answers.target),
        'bash "$here/publish.sh" source dist/*.tar.gz',
    ]


def _named(target: Target) -> str:
    """The variables that say which index it is, and what it asks for."""
    host = _HOSTS[target.name] if target.public else urlsplit(target.url or "").netloc
    audience = target.name if target.public else target.audience or ""
    return f"INDEX={host} AUDIENCE={audience}"


def _into(answers: Answers) -> Sequence[str]:
    return () if str(answers.folder) == "." else (f"cd {shlex.quote(str(answers.folder))}",)
