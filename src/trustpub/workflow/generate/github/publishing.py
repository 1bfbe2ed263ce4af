# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The jobs of a GitHub workflow that publish: on trial, to the index that is meant, and on GitHub itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers, Target
from trustpub.workflow.generate.github import guards
from trustpub.workflow.generate.github.building import REQUIREMENTS, TIMEOUT
from trustpub.workflow.generate.github.steps import (
    IDENTIFIES,
    WRITES,
    checkout,
    download,
    job,
    python,
    run,
    step,
)
from trustpub.workflow.generate.registration import trial_target, tries_on_testpypi
from trustpub.workflow.generate.scalars import scalar

_PAGES: Mapping[str, str] = {"pypi": "https://pypi.org/p/", "testpypi": "https://test.pypi.org/p/"}
_PYPA = "pypa/gh-action-pypi-publish"
_TRIAL = "trial"


def trial_on_an_own_index(answers: Answers) -> str | None:
    """A job that publishes to an index which only exists in it, as itself, and installs from there."""
    if answers.trial != "own":
        return None
    # The ids are the run's own: nobody has to be asked for them, and they are part of what is proved.
    publisher = (
        f"--repository {answers.owner}/{answers.repository} --workflow {answers.workflow} "
        '--owner-id "$GITHUB_REPOSITORY_OWNER_ID" --repository-id "$GITHUB_REPOSITORY_ID"'
    )
    steps = [
        python(answers.python),
        download(),
        run("Install an index", [shell.ALONE_SERVING]),
        run("Publish to an index of this job's own, and install from it", shell.own_trial(answers, publisher)),
    ]
    head = [
        "name: Try the upload",
        *guards.needs(answers, "build"),
        f"if: {guards.home(answers)} && {guards.release(answers)}",
        "runs-on: ubuntu-latest",
        TIMEOUT,
    ]
    return job(_TRIAL, head, IDENTIFIES, steps)


def trial_on_testpypi(answers: Answers) -> str | None:
    """The job that publishes to TestPyPI first."""
    if not tries_on_testpypi(answers):
        return None
    only = [guards.home(answers), *([] if answers.trial == "every-push" else [guards.release(answers)])]
    head = ["name: Publish to TestPyPI", *guards.needs(answers, "build"), *guards.always(answers, *only)]
    return _publishing(head, answers, trial_target(answers))


def publish(answers: Answers) -> str:
    """The job that publishes to the index that is meant. Nothing else runs in it."""
    tried = [_TRIAL] if answers.trial == "own" else ["testpypi"] if tries_on_testpypi(answers) else []
    where = {"pypi": "PyPI", "testpypi": "TestPyPI"}.get(answers.target.name, answers.target.name)
    head = [
        f"name: Publish to {where}",
        *guards.needs(answers, "build", *tried),
        f"if: {guards.home(answers)} && {guards.release(answers)}",
    ]
    return _publishing(head, answers, answers.target)


def github_release(answers: Answers) -> str | None:
    """The job that makes the release on GitHub, with its files in one go, so that it may be immutable."""
    if not answers.github_release or answers.trigger == "release":
        return None
    make = 'gh release create "${RELEASE_TAG#refs/tags/}" dist/* --repo "$GITHUB_REPOSITORY" --verify-tag'
    steps, commands = [download()], [f"{make} --generate-notes"]
    if answers.changelog is not None:
        commands = [f"{make} --notes-file notes.md"]
        steps = [
            checkout(ref=guards.commit(answers)),
            python(answers.python),
            run("Install trustpub", shell.install(REQUIREMENTS, answers)),
            _notes(answers),
            download(),
        ]
    env = {"GH_TOKEN": "${{ github.token }}", "RELEASE_TAG": guards.tag(answers) or "${{ github.ref }}"}
    head = [
        "name: Release on GitHub",
        *guards.needs(answers, job_of(answers.target)),
        "runs-on: ubuntu-latest",
        TIMEOUT,
    ]
    return job("github-release", head, WRITES, [*steps, run("Make the release with its files", commands, env)])


def job_of(target: Target) -> str:
    """The job that publishes there; a name that no other job has."""
    return f"publish-{target.name}" if target.name in _TAKEN else target.name


_TAKEN = frozenset({guards.PREPARE, "tests", "build", "sdist", "wheels", _TRIAL, "github-release"})


def _notes(answers: Answers) -> str:
    command = (
        f'python -m trustpub notes "$RELEASE_TAG" --changelog {shlex.quote(answers.changelog or "")} '
        '> "$GITHUB_WORKSPACE/notes.md"'
    )
    env = {"RELEASE_TAG": guards.tag(answers) or "${{ github.ref }}"}
    place = None if str(answers.folder) == "." else str(answers.folder)
    return run("Take the notes from the changelog", [command], env, folder=place)


def _publishing(head: Sequence[str], answers: Answers, target: Target) -> str:
    lines = [*head, "runs-on: ubuntu-latest", TIMEOUT]
    if target.environment is not None:
        lines += ["environment:", f"  name: {scalar(target.environment)}"]
        if target.public:
            lines.append(f"  url: {_PAGES[target.name]}{answers.project}")
    return job(job_of(target), lines, IDENTIFIES, [download(), *_upload(answers, target)])


def _upload(answers: Answers, target: Target) -> Sequence[str]:
    if _with_ours(answers, target):
        installs = run("Install trustpub", [shell.install_alone(target, attestations=answers.attestations)])
        return (
            python(answers.python),
            installs,
            run("Publish", [shell.publish(target, attestations=answers.attestations)]),
        )
    values: dict[str, str] = {}
    if target.name == "testpypi":
        values["repository-url"] = "https://test.pypi.org/legacy/"
        if answers.target.name != "testpypi":
            values["skip-existing"] = "true # a trial may be repeated"
    elif target.url is not None:
        values["repository-url"] = target.url
    if not target.public:
        values["attestations"] = "false"
    return (step(_PYPA, values),)


def _with_ours(answers: Answers, target: Target) -> bool:
    """Whether trustpub uploads. Whoever wants no attestations says so to it: of PyPI's action, which is told so to get
    around errors, nobody could tell that it was meant.
    """
    return answers.action == "trustpub" or (answers.action is None and not (target.public and answers.attestations))
