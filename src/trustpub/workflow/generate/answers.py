# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a release is to be like: everything that the files written for it depend on, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

PLATFORMS = ("github", "gitlab", "google", "activestate", "generic")
"""Where releases are made."""
TRIGGERS = ("tag", "release", "dispatch")
"""What starts one: a pushed tag, a published release, or a person who says which version."""
TRIALS = ("never", "release", "every-push", "own")
"""What is tried before: nothing; TestPyPI with every release; TestPyPI with every push; an index in the job itself."""
BUILDERS = ("build", "hatch", "poetry", "uv")
"""Who builds: ``python -m build``, or the project's own tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An index that a release goes to."""

    name: str
    """In ``[tool.trustpub.indexes]``: ``pypi``, ``testpypi``, or one of the project's."""
    url: str | None = None
    """Of its uploads; None for the two that are known."""
    environment: str | None = None
    """Of the job that publishes there; None: none, as on platforms that have none."""
    audience: str | None = None
    """Where a platform has to know it beforehand (GitLab), and it is not the name."""

    @property
    def public(self) -> bool:
        """Whether it is PyPI or TestPyPI."""
        return self.name in ("pypi", "testpypi") and self.url is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers to every question of ``trustpub init``, asked or inferred."""

    platform: str
    """One of :data:`PLATFORMS`."""
    project: str
    """The name as ``pyproject.toml`` has it."""
    owner: str
    """On the platform, exactly as it spells it; on GitLab groups within groups; empty where there is none."""
    repository: str
    """Without the owner."""
    target: Target
    workflow: str = "release.yml"
    """The file that publishes: a name on GitHub, else a path. Two platforms have a script at a place of its own."""
    folder: PurePosixPath = field(default_factory=lambda: PurePosixPath("."))
    """Of the project in its repository."""
    branch: str = "main"
    """The default one."""
    trigger: str = "tag"
    """One of :data:`TRIGGERS`."""
    tag: str = "v{version}"
    """How a tag is made from a version."""
    trial: str = "release"
    """One of :data:`TRIALS`."""
    builder: str = "build"
    """One of :data:`BUILDERS`."""
    compiled: bool = False
    """Whether wheels are made for each platform, with cibuildwheel."""
    dynamic_version: bool = False
    """Whether the version comes from git, so that a build needs its whole history."""
    version_file: str | None = None
    """Where a static version stands: ``pyproject.toml``, or a Python file. Told, and written nowhere."""
    python: str = "3.13"
    """That builds and publishes."""
    tests: str | None = None
    """A command that must end well before anything is built."""
    pythons: tuple[str, ...] = ()
    """On which it must; empty: on the one that builds."""
    reviewers: bool = True
    """Whether the environment is to ask somebody before it lets a release through."""
    github_release: bool = True
    """Whether a release is made on GitHub after the upload, with its files."""
    changelog: str | None = None
    """The file, from the project's folder, whose section about the version becomes its notes; None: of commits."""
    attestations: bool = True
    action: str | None = None
    """``pypa`` or ``trustpub``: whose action uploads; None: as fits the index."""
    service_account: str | None = None
    """Of Google Cloud: an e-mail address."""
    actor: str | None = None
    """Of ActiveState: who starts the build."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Of owner and repository, under the provider's names, where they could be asked for."""
