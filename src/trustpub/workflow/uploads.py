# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a publishing step is given: which index, which credential, with which tool in which version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.workflow.documents import mapping
from trustpub.workflow.publishing import Step, lines, publishing_steps

PYPI_ACTION = "pypa/gh-action-pypi-publish"
_TOOL_LINE = re.compile(
    r"\b(?:trustpub (?:publish|mint)|uv publish|twine upload|(?:poetry|hatch|flit|pdm) publish)\b[^;&|]*|\S*/_/oidc/\S*"
)
_URL_OPTION = re.compile(
    r"(?:--repository-url|--publish-url|--index-url|--repo|--repository|--index|-r)[= ]+"
    r"(?P<url>[\"']?[^\s\"']+)"
)
_URL_VARIABLES = (
    "TWINE_REPOSITORY_URL", "TWINE_REPOSITORY", "UV_PUBLISH_URL", "UV_PUBLISH_INDEX", "HATCH_INDEX_REPO",
    "FLIT_INDEX_URL", "PDM_PUBLISH_REPO",
)  # fmt: skip
_SECRET_OPTION = re.compile(r"(?:--password|--token|-p|--auth|-a)[= ]+(?P<value>\$\{\{.*?\}\}|\"[^\"]*\"|'[^']*'|\S+)")
_SECRET_VARIABLE = re.compile(
    r"(?:TWINE|UV_PUBLISH|HATCH_INDEX|FLIT|PDM_PUBLISH|POETRY)\w*(?:PASSWORD|TOKEN|AUTH)\w*\Z"
)
_LEFT = re.compile(
    r"pypi-token|http-basic|\.pypirc|\bkeyring set\b|(?:TWINE|UV_PUBLISH|HATCH_INDEX|FLIT|PDM_PUBLISH)\w*"
    r"(?:PASSWORD|TOKEN|AUTH)\w*="
)
_PYPI = re.compile(r"https?://(?:upload\.)?pypi\.org/", re.IGNORECASE)
_TESTPYPI = re.compile(r"https?://(?:upload\.)?test\.pypi\.org/|https?://test-upload", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a step publishes to, as far as it is written."""

    name: str | None
    """``pypi``, ``testpypi``, another URL or name; None where only a run knows."""
    given: str | None = None
    """As written; None where the tool's own default holds."""
    key: str | None = None
    """The input or variable that says so; None for an option on a command line."""

    @property
    def test(self) -> bool:
        """Whether it is an index for trials."""
        return self.name == "testpypi"

    @property
    def real(self) -> bool:
        """Whether it is an index that people install from, as far as known."""
        return self.name is not None and not self.test

    @property
    def of_pypi(self) -> bool:
        """Whether PyPI's own rules hold there."""
        return self.name in ("pypi", "testpypi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A stored credential that a step is given."""

    name: str
    """The input, variable or option."""
    value: str
    holder: Any = None
    """The mapping that it stands in; None on a command line."""
    certain: bool = True
    """Whether it is a stored one for certain, and not a token that a step before minted."""


def publication(step: Mapping[str, Any]) -> Step | None:
    """What ``step`` publishes with, if it does."""
    found = publishing_steps([step])
    return found[0] if found else None


def line_of(step: Mapping[str, Any]) -> str:
    """The command that publishes, up to the next one on its line; empty for an action."""
    for line in lines(step):
        match = _TOOL_LINE.search(line)
        if match is not None and "--dry-run" not in line:
            return match[0].strip()
    return ""


def target(step: Mapping[str, Any], *inherited: Mapping[str, Any]) -> Target:
    """The index of a publishing ``step``; ``inherited`` are the variables of its job and workflow, nearest first."""
    given = mapping(step.get("with"))
    if isinstance(step.get("uses"), str):
        for key in ("repository-url", "repository_url", "index", "index-url"):
            if given.get(key):
                return _target(str(given[key]), key)
        return Target(name="pypi")
    option = _URL_OPTION.search(line_of(step))
    if option is not None:
        return _target(option["url"].strip("\"'"), None)
    for variables in (mapping(step.get("env")), *inherited):
        for key in _URL_VARIABLES:
            if variables.get(key):
                return _target(str(variables[key]), key)
    return Target(name="pypi")


def _target(written: str, key: str | None) -> Target:
    if _TESTPYPI.match(written) or written.lower() in ("testpypi", "test-pypi"):
        name: str | None = "testpypi"
    elif _PYPI.match(written) or written.lower() in ("pypi", "main"):
        name = "pypi"
    else:
        name = None if "${" in written or written.startswith("$") else written
    return Target(name=name, given=written, key=key)


def secret(step: Mapping[str, Any], *inherited: Mapping[str, Any]) -> Secret | None:
    """The credential that a publishing ``step`` is given, if any: then the identity of the job is not used.

    One that another step minted is none that is stored for certain.
    """
    given = mapping(step.get("with"))
    if isinstance(step.get("uses"), str):
        value = given.get("password")
        stored = isinstance(value, str) and re.search(r"\bsteps\.", value) is None
        return Secret(name="password", value=str(value), holder=given, certain=stored) if value else None
    for variables in (mapping(step.get("env")), *inherited):
        for key, value in variables.items():
            if value and _SECRET_VARIABLE.match(str(key)):
                return Secret(name=str(key), value=str(value), holder=variables, certain="secrets." in str(value))
    option = _SECRET_OPTION.search(line_of(step))
    if option is not None:
        named = option["value"].strip("\"'${}")
        known = {key: str(value) for one in (mapping(step.get("env")), *inherited) for key, value in one.items()}
        stored = "secrets." in option["value"] or "secrets." in known.get(named, "")
        return Secret(name=option[0].split()[0].split("=")[0], value=option["value"], certain=stored)
    left = next((line for line in lines(step) if _LEFT.search(line)), None)
    return None if left is None else Secret(name="a credential on the command line", value=left, certain=False)


def brought(steps: Iterable[Mapping[str, Any]]) -> Secret | None:
    """A credential that a step before left for the tools, in a file, a keyring or a variable."""
    for step in steps:
        for line in lines(step):
            if _LEFT.search(line) and publication(step) is None:
                return Secret(name="a credential set up before", value=line, certain=False)
    return None
