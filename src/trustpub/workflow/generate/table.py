# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""For each platform: the files of a release, whom to register, and what a person types once.

All of these take answers without faults (:func:`trustpub.workflow.generate.faults.faults`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trustpub.workflow.generate import activestate, cloudbuild, generic, gitlab
from trustpub.workflow.generate.answers import Answers
from trustpub.workflow.generate.github import workflow as github
from trustpub.workflow.generate.registration import Command, Registration
from trustpub.workflow.generate.written import Written

WORKFLOWS: Mapping[str, str] = {
    "github": "release.yml",
    "gitlab": ".gitlab-ci.yml",
    "google": "cloudbuild.yaml",
    "activestate": activestate.SCRIPT.as_posix(),
    "generic": generic.SCRIPT,
}
"""What the file that publishes is called where nobody says, as :attr:`Answers.workflow` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """What is written and told for one platform."""

    files: Callable[[Answers], tuple[Written, ...]]
    registration: Callable[[Answers], tuple[Registration, ...]]
    commands: Callable[[Answers], tuple[Command, ...]]


GENERATORS: Mapping[str, Generator] = {
    "github": Generator(files=github.files, registration=github.registration, commands=github.commands),
    "gitlab": Generator(files=gitlab.files, registration=gitlab.registration, commands=gitlab.commands),
    "google": Generator(files=cloudbuild.files, registration=cloudbuild.registration, commands=cloudbuild.commands),
    "activestate": Generator(
        files=activestate.files, registration=activestate.registration, commands=activestate.commands
    ),
    "generic": Generator(files=generic.files, registration=generic.registration, commands=generic.commands),
}
"""By platform."""


def files(answers: Answers) -> tuple[Written, ...]:
    """What is to lie in the repository."""
    return GENERATORS[answers.platform].files(answers)


def registration(answers: Answers) -> tuple[Registration, ...]:
    """Who is to be registered, index by index in the order of a release."""
    return GENERATORS[answers.platform].registration(answers)


def commands(answers: Answers) -> tuple[Command, ...]:
    """What a person types once, in this order."""
    return GENERATORS[answers.platform].commands(answers)
