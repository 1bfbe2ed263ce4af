# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which steps publish a Python package, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.workflow.documents import mapping

_ACTIONS = (
    re.compile(r"(?P<tool>pypa/gh-action-pypi-publish)@"),
    re.compile(r"(?P<tool>[\w.-]+/token-mint-action)@"),
    re.compile(r"(?P<tool>trustpub/trustpub)(?:/[\w./-]+)?@"),
)
_COMMANDS = (
    re.compile(r"\b(?P<tool>trustpub (?:publish|mint))\b"),
    re.compile(r"\b(?P<tool>uv publish)\b"),
    re.compile(r"\b(?P<tool>twine upload)\b"),
    re.compile(r"\b(?P<tool>(?:poetry|hatch|flit|pdm) publish)\b"),
    re.compile(r"(?P<tool>/_/oidc/(?:github/)?mint-token)\b"),
)
_OWN_INDEX = re.compile(r"\btrustpub serve\b.*--ephemeral\b")
_TEST_INDEX = re.compile(r"test\.pypi\.org|\btestpypi\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that publishes."""

    tool: str
    """The action or command, such as ``pypa/gh-action-pypi-publish`` or ``uv publish``."""
    test_index: bool
    """Whether it goes to TestPyPI."""
    password: bool
    """Whether it is given a stored secret, which is then used instead of the job's identity."""


def lines(step: Mapping[str, Any]) -> tuple[str, ...]:
    """The shell lines of a step, continued ones joined, white space folded, without comments."""
    run = step.get("run")
    if not isinstance(run, str):
        return ()
    joined = re.sub(r"\\\r?\n", " ", run)
    folded = (" ".join(line.split()) for line in joined.splitlines())
    return tuple(line for line in folded if line and not line.startswith("#"))


def publishing_steps(steps: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Those of ``steps`` that publish."""
    found = (_by_action(step) or _by_command(step) for step in steps)
    return tuple(step for step in found if step is not None)


def _by_action(step: Mapping[str, Any]) -> Step | None:
    uses, given = step.get("uses"), mapping(step.get("with"))
    if not isinstance(uses, str):
        return None
    match = next((match for action in _ACTIONS if (match := action.match(uses))), None)
    if match is None:
        return None
    target = " ".join(str(given.get(name, "")) for name in ("repository-url", "repository_url", "index", "audience"))
    return Step(tool=match["tool"], test_index=bool(_TEST_INDEX.search(target)), password=bool(given.get("password")))


def _by_command(step: Mapping[str, Any]) -> Step | None:
    variables = mapping(step.get("env"))
    if any(_OWN_INDEX.search(line) for line in lines(step)):
        return None  # to an index that the step itself runs, and that is gone with it
    secret = any(re.search(r"PASSWORD|TOKEN", name) and "secrets." in str(value) for name, value in variables.items())
    for line in lines(step):
        match = next((match for command in _COMMANDS if (match := command.search(line))), None)
        if match is not None and "--dry-run" not in line:
            target = " ".join([line, *(str(value) for value in variables.values())])
            return Step(tool=match["tool"], test_index=bool(_TEST_INDEX.search(target)), password=secret)
    return None
