# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An answer that nobody had to give, and from what it was concluded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustpub.workflow.version import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The answer to one question."""

    value: Any
    """As :class:`trustpub.workflow.generate.answers.Answers` has it."""
    why: str
    """From what, as a clause for people: ``git's remote origin``. Names of files in it may be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """Everything that a project's folder says of how it is to be released."""

    folder: Path
    """Of the project."""
    root: Path
    """The top of its repository."""
    settings: Mapping[str, Any]
    """``pyproject.toml``."""
    answers: Mapping[str, Conclusion]
    """By question; a question that nothing answers is not there."""
    version: Source
    tags: tuple[str, ...] = ()
    """Of the repository."""
    issuer: str | None = None
    """What would vouch for jobs there, if its forge is a GitLab of somebody's own."""
    members: tuple[str, ...] = ()
    """Names of the packages of the workspace that the repository is."""
    notes: tuple[str, ...] = ()
    """What a person should know: sentences, printable."""
