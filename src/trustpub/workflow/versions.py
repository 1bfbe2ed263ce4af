# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where a project's version comes from."""

from __future__ import annotations

import re

from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.scene import Scene

_FROM_GIT = re.compile(
    r"\s*(?:setuptools[-_]scm|hatch[-_]vcs|versioningit|poetry-dynamic-versioning|setuptools-git-versioning|vcs-versioning"
    r"|hatch-regex-commit|uv-dynamic-versioning|versioneer|miniver|dunamai)\b",
    re.IGNORECASE,
)


def from_git(scene: Scene) -> bool:
    """Whether the version is made from git's tags when the project is built."""
    tool = mapping(scene.pyproject.get("tool"))
    if mapping(mapping(tool.get("pdm")).get("version")).get("source") == "scm":
        return True
    requires = listed(mapping(scene.pyproject.get("build-system")).get("requires"))
    return any(_FROM_GIT.match(str(one)) for one in requires)


def without_local_part(scene: Scene) -> bool:
    """Whether a version between tags is made without the part after a plus, which indexes refuse."""
    return "no-local-version" in scene.pyproject_text or "no_local_version" in scene.pyproject_text


def static(scene: Scene) -> bool:
    """Whether the version is written in pyproject.toml."""
    return isinstance(mapping(scene.pyproject.get("project")).get("version"), str)
