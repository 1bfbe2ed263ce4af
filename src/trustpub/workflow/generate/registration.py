# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is to be registered with which index, and what else a person types once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trustpub.workflow.generate.answers import Answers, Target

TESTPYPI = Target(name="testpypi", environment="testpypi")
"""Where a release to PyPI is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The publisher that an index is to be told of."""

    target: Target
    kind: str
    """A key of :data:`trustpub.trust.issuers.PROVIDERS`; ``generic`` where the platform is not known here."""
    fields: Mapping[str, str]
    """As the provider of that kind names and spells them; empty where a person has to find them out."""
    trial: bool = False
    """Whether it is for what is tried before the release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a person types once, in a shell."""

    why: str
    """What it does, as a sentence without its full stop."""
    lines: tuple[str, ...]


def targets(answers: Answers) -> tuple[tuple[Target, bool], ...]:
    """The indexes that must know the publisher, and whether each is for a trial: in the order of a release."""
    tried = [(trial_target(answers), True)] if tries_on_testpypi(answers) else []
    return (*tried, (answers.target, False))


def tries_on_testpypi(answers: Answers) -> bool:
    """Whether releases go to TestPyPI before they go where they are meant to."""
    return answers.trial in ("release", "every-push") and answers.target.name == "pypi"


def trial_target(answers: Answers) -> Target:
    """TestPyPI; without an environment where the release has none either."""
    return TESTPYPI if answers.target.environment is not None else Target(name="testpypi")


def ids(answers: Answers, *names: str) -> Mapping[str, str]:
    """Those of the ids that could be asked for."""
    return {name: answers.ids[name] for name in names if answers.ids.get(name)}


def told(registration: Registration) -> str:
    """The publisher in one line, for the head of a file."""
    said = " ".join(f"{name}={value}" for name, value in registration.fields.items())
    return f"The publisher on {registration.target.name}: {said}"
