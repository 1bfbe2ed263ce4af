# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Putting a version where the project's workflow would put it: into the history, or into a file of the copy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from trustpub.errors import Misuse
from trustpub.packages.names import normalize
from trustpub.printable import printable
from trustpub.rehearsal.project import Project, git

_TOLD_BY_VARIABLE: Mapping[str, str] = {
    "setuptools-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "hatch-vcs": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "flit-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "uv-dynamic-versioning": "UV_DYNAMIC_VERSIONING_BYPASS",
    "pbr": "PBR_VERSION",
}
"""What reads the version from the history, and the variable that says it instead."""

_TOLD_BY_TAG = ("versioneer", "versioningit", "setuptools-git-versioning", "dunamai")
"""What takes it from a tag and from nothing else."""

_SETS_VERSION = re.compile(
    r"\b(?:hatch|poetry|uv|pdm) version\b|\b(?:sed|perl|awk)\b.*(?:version|pyproject|\.py\b)"
    r"|\bbump-?my-?version\b|\btbump\b",
    re.IGNORECASE,
)


def place(
    version: str, project: Project, copied: Path, *, commands: Sequence[str], tag: str, env: Mapping[str, str]
) -> Mapping[str, str]:
    """Have the project at ``copied`` build as ``version``; variables that its build is to see.

    ``commands`` are the workflow's shell lines; ``tag`` is the name of the tag that starts it.

    Raises:
        Misuse: not a version, or neither the project nor its workflow would take it from anywhere.
    """
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise Misuse(f"{printable(version)} is not a version (PEP 440).") from None
    needed = _needed(project.settings)
    if _pdm_from_history(project.settings):
        return {"PDM_BUILD_SCM_VERSION": version}
    for tool, variable in _TOLD_BY_VARIABLE.items():
        if tool in needed and _static(project.settings) is None:
            return {variable: version}
    if any(tool in needed for tool in _TOLD_BY_TAG):
        _tag(copied, tag, env)
        return {}
    stands = _static(project.settings)
    if stands is not None and _equal(stands, wanted):
        return {}
    if not any(_SETS_VERSION.search(command) for command in commands):
        where = f"pyproject.toml says {printable(stands)}" if stands is not None else "no tool here reads it from a tag"
        raise Misuse(
            f"--version {printable(version)} cannot be placed: {where}, and no step of the workflow changes it.",
            hint="Change it where it stands, or leave out --version.",
        )
    _write(project, copied, stands, version)
    return {}


def _needed(settings: Mapping[str, Any]) -> frozenset[str]:
    """Names of what the build requires."""
    found = set()
    for text in settings.get("build-system", {}).get("requires", []):
        try:
            found.add(normalize(Requirement(text).name))
        except InvalidRequirement:
            continue
    return frozenset(found)


def _pdm_from_history(settings: Mapping[str, Any]) -> bool:
    source = settings.get("tool", {}).get("pdm", {}).get("version", {})
    return isinstance(source, dict) and source.get("source") == "scm"


def _static(settings: Mapping[str, Any]) -> str | None:
    tables = (settings.get("project", {}), settings.get("tool", {}).get("poetry", {}))
    # poetry-dynamic-versioning wants a version to stand there and replaces it.
    dynamic = "poetry-dynamic-versioning" in _needed(settings)
    found = (table.get("version") for table in tables if isinstance(table, dict))
    return None if dynamic else next((version for version in found if isinstance(version, str)), None)


def _equal(stands: str, wanted: Version) -> bool:
    try:
        return Version(stands) == wanted
    except InvalidVersion:
        return False


def _tag(copied: Path, tag: str, env: Mapping[str, str]) -> None:
    identity = ("-c", "user.name=trustpub", "-c", "user.email=rehearsal@localhost", "-c", "tag.gpgSign=false")
    if git(copied, env, *identity, "tag", "--force", "--annotate", "--message", tag, tag) is None:
        raise Misuse(
            "The project takes its version from a tag, and its copy has no git history to put one into.",
            hint="Rehearse in a clone, with git installed.",
        )


def _write(project: Project, copied: Path, stands: str | None, version: str) -> None:
    tables: Sequence[str]
    names: Sequence[str]
    if stands is not None:
        path, tables, names = copied / "pyproject.toml", ("[project]", "[tool.poetry]"), ("version",)
    else:
        named = project.settings.get("tool", {}).get("hatch", {}).get("version", {}).get("path")
        if not isinstance(named, str):
            raise Misuse("--version cannot be placed: the file that holds the version is not known.")
        path, tables, names = copied / named, (), ("__version__", "VERSION")
    if not path.resolve().is_relative_to(copied.resolve()) or not path.is_file():
        raise Misuse(f"--version cannot be placed: {printable(path.name)} does not lie in the project.")
    replaced = _replaced(path.read_text("utf-8"), tables, names, version)
    if replaced is None:
        raise Misuse(f"--version cannot be placed: {printable(path.name)} has no line that sets it.")
    path.write_text(replaced, "utf-8")


def _replaced(text: str, tables: Sequence[str], names: Sequence[str], version: str) -> str | None:
    """``text`` with ``version`` in the first line that assigns one of ``names``, below one of ``tables`` if any."""
    pattern = re.compile(rf"""((?:{"|".join(names)})\s*(?::[^=]*)?=\s*)(["'])[^"']*\2""")
    lines, table = text.splitlines(keepends=True), ""
    for number, line in enumerate(lines):
        if line.startswith("["):
            table = line.split("#")[0].strip()
        found = pattern.match(line) if not tables or table in tables else None
        if found is not None:
            lines[number] = f"{found[1]}{found[2]}{version}{found[2]}{line[found.end() :]}"
            return "".join(lines)
    return None
