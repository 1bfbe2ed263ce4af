# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The pipeline of a release on GitLab.

GitLab makes a job's identity tokens before it starts, for the audiences that the file names, so the job that publishes
holds them from its first line: it checks nothing out, inherits nothing, and what it installs does not see them.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from trustpub.ci.gitlab import variables
from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers, Target
from trustpub.workflow.generate.registration import Command, Registration, ids, targets, told, tries_on_testpypi
from trustpub.workflow.generate.scalars import listing, scalar
from trustpub.workflow.generate.written import Written, marked

REQUIREMENTS = "ci/release-requirements.txt"
SIGSTORE = "sigstore"
_ALONE = (
    "inherit:",
    "  default: false",
    "cache: [] # nothing that another job could have filled",
    "interruptible: false",
)
_PAGES: Mapping[str, str] = {"pypi": "https://pypi.org/p/", "testpypi": "https://test.pypi.org/p/"}


def files(answers: Answers) -> tuple[Written, ...]:
    """The pipeline's file, and the requirements of the job that builds."""
    requirements = Written(path=PurePosixPath(REQUIREMENTS), text=shell.requirements(answers.builder), whole=True)
    return Written(path=PurePosixPath(answers.workflow), text=marked(_pipeline(answers))), requirements


def registration(answers: Answers) -> tuple[Registration, ...]:
    """The project, the top-level file and the environment, for each index."""
    return tuple(
        Registration(
            target=target,
            kind="gitlab",
            fields={
                "namespace": answers.owner,
                "project": answers.repository,
                "workflow_filepath": answers.workflow,
                **({} if target.environment is None else {"environment": target.environment}),
                **ids(answers, "namespace_id", "project_id"),
            },
            trial=trial,
        )
        for target, trial in targets(answers)
    )


def commands(answers: Answers) -> tuple[Command, ...]:
    """Protect the tags, without which nothing is published; name the file, where it is not where GitLab looks."""
    place = f"projects/{quote(f'{answers.owner}/{answers.repository}', safe='')}"
    wild = shlex.quote(answers.tag.replace("{version}", "*"))
    protect = f"glab api --method POST {place}/protected_tags -f name={wild} -f create_access_level=40"
    made = [Command(why="Let only maintainers make the tag of a release; others are not published", lines=(protect,))]
    if answers.workflow != ".gitlab-ci.yml":
        line = f"glab api --method PUT {place} -f ci_config_path={shlex.quote(answers.workflow)}"
        made.append(Command(why="Say where the pipeline's file is", lines=(line,)))
    return tuple(made)


def _pipeline(answers: Answers) -> str:
    tried = tries_on_testpypi(answers)
    stages = [*(["test"] if answers.tests else []), "build", *(["trial"] if tried else []), "publish"]
    jobs = [
        _tests(answers),
        _build(answers),
        *(_publishing(answers, target, trial=trial) for target, trial in targets(answers)),
    ]
    head = [
        *(f"# {told(one)}" for one in registration(answers)),
        "# An index sees the path of the top-level file: should another include this one, register the path of that.",
    ]
    parts = ["\n".join(head), f"stages: [{', '.join(stages)}]", *(one for one in jobs if one is not None)]
    return "\n\n".join(parts) + "\n"


def _tests(answers: Answers) -> str | None:
    if answers.tests is None:
        return None
    pythons = answers.pythons or (answers.python,)
    lines = [
        "stage: test",
        "parallel:",
        "  matrix:",
        f"    - PYTHON: {listing(pythons)}",
        f"image: python:$PYTHON{_flavour(answers)}",
        *_history(answers),
        *_rules(_when(answers)),
        "timeout: 30 minutes",
        *_script([*_into(answers), answers.tests]),
    ]
    return _job("tests", lines)


def _build(answers: Answers) -> str:
    lines = [
        "stage: build",
        f"image: python:{answers.python}{_flavour(answers)}",
        *_history(answers),
        *_rules(_when(answers)),
        "timeout: 20 minutes",
        "cache: []",
        *_script(
            [
                *shell.install(REQUIREMENTS, answers), *_into(answers), *_version(answers), shell.build(answers),
                shell.check(answers.target),
            ]
        ),
        "artifacts:",
        f"  paths: [{_dist(answers)}]",
        "  expire_in: 1 week",
    ]  # fmt: skip
    return _job("build", lines)


def _publishing(answers: Answers, target: Target, *, trial: bool) -> str:
    signs = answers.attestations and target.public
    audience = target.name if target.public else target.audience or ""
    token = variables(audience)[0]
    tokens = {token: audience, **({"SIGSTORE_ID_TOKEN": SIGSTORE} if signs else {})}
    needs = ["build", *([_named("testpypi")] if not trial and tries_on_testpypi(answers) else [])]
    lines = [
        f"stage: {'trial' if trial else 'publish'}",
        f"image: python:{answers.python}-slim",
        f"needs: [{', '.join(needs)}]",
        *(_rules(_when(answers)) if trial else _rules([_protected(answers)], manual=answers.reviewers)),
        "timeout: 20 minutes",
        f"resource_group: {_named(target.name)} # one at a time",
        *_ALONE,
        *_environment(answers, target),
        "variables:",
        "  GIT_STRATEGY: none",
        "id_tokens:",
        *(line for name, aud in tokens.items() for line in (f"  {name}:", f"    aud: {scalar(aud)}")),
        *_script(
            [
                "# What is installed sees no identity.",
                f"(unset {' '.join(tokens)}; {shell.install_alone(target, attestations=answers.attestations)})",
                *_into(answers),
                shell.publish(target, attestations=answers.attestations),
            ]
        ),
    ]
    return _job(_named(target.name), lines)


def _named(index: str) -> str:
    return f"publish-{index}"


def _job(name: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{name}:", *(textwrap.indent(line, "  ") for line in lines)])


def _environment(answers: Answers, target: Target) -> Sequence[str]:
    if target.environment is None:
        return ()
    page = [f"  url: {_PAGES[target.name]}{answers.project}"] if target.public else []
    return ("environment:", f"  name: {scalar(target.environment)}", *page)


def _when(answers: Answers) -> Sequence[str]:
    """Of everything but the release itself."""
    pushes = [f'$CI_COMMIT_BRANCH == "{answers.branch}"'] if answers.trial == "every-push" else []
    return [_tagged(answers), *pushes]


def _protected(answers: Answers) -> str:
    return f'{_tagged(answers)} && $CI_COMMIT_REF_PROTECTED == "true"'


def _tagged(answers: Answers) -> str:
    before, _, after = answers.tag.partition("{version}")
    end = f".*{_literally(after)}$" if after else ""
    return f"$CI_COMMIT_TAG =~ /^{_literally(before)}[0-9]{end}/"


def _literally(text: str) -> str:
    return re.sub(r"([./])", r"\\\1", text)


def _rules(conditions: Sequence[str], *, manual: bool = False) -> Sequence[str]:
    lines = ["rules:"]
    for condition in conditions:
        lines.append(f"  - if: {condition}" if ": " not in condition else f"  - if: '{condition}'")
        if manual:
            lines.append("    when: manual # somebody presses the button")
    return lines


def _script(commands: Sequence[str]) -> Sequence[str]:
    lines = ["script:"]
    for command in commands:
        if command.startswith("#"):
            lines.append(f"  {command}")
        elif "\n" in command or scalar(command) != command:
            lines += ["  - |", textwrap.indent(command, "    ")]
        else:
            lines.append(f"  - {command}")
    return lines


def _history(answers: Answers) -> Sequence[str]:
    if not _reads_tags(answers):
        return ()
    return ("variables:", '  GIT_DEPTH: "0" # with all commits and tags: the version is made from them')


def _flavour(answers: Answers) -> str:
    """Of the image: only the whole one has git."""
    return "" if _reads_tags(answers) else "-slim"


def _reads_tags(answers: Answers) -> bool:
    return answers.dynamic_version


def _version(answers: Answers) -> Sequence[str]:
    """Where every push goes to TestPyPI: a version that no other push has, in the files that are built."""
    if answers.trial != "every-push":
        return ()
    command = shell.development("$CI_PIPELINE_IID", "--unless-tag", '--env-file "$variables"')
    return ("variables=$(mktemp)", command, 'set -a; . "$variables"; set +a')


def _into(answers: Answers) -> Sequence[str]:
    return () if str(answers.folder) == "." else (f"cd {shlex.quote(str(answers.folder))}",)


def _dist(answers: Answers) -> str:
    return "dist/" if str(answers.folder) == "." else f"{answers.folder}/dist/"
