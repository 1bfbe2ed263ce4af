# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Putting a version where the project's workflow would put it: into the history, or into a file of the copy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.rehearsal.project import Project
from trustpub.workflow import tags
from trustpub.workflow import version as standing

_SETS_VERSION = re.compile(
    r"\b(?:hatch|poetry|uv|pdm|trustpub) version\b|\b(?:sed|perl|awk)\b.*(?:version|pyproject|\.py\b)"
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
    wanted = standing.parsed(version)
    source = standing.source(copied, project.settings)
    if source.variable is not None:
        return {source.variable: version}
    if source.kind == "tag":
        tags.put(copied, tag, env)
        return {}
    stands = standing.read(copied, source)
    if stands is not None and _equal(stands, wanted):
        return {}
    if not any(_SETS_VERSION.search(command) for command in commands):
        told = "no tool here reads it from a tag" if source.line is None else f"{source.line.path} says {stands}"
        raise Misuse(
            f"--version {printable(version)} cannot be placed: {printable(told)}, and no step of the workflow changes "
            "it.",
            hint="Change it where it stands, or leave out --version.",
        )
    standing.write(copied, source, version)
    return {}


def _equal(stands: str, wanted: Version) -> bool:
    try:
        return Version(stands) == wanted
    except InvalidVersion:
        return False
