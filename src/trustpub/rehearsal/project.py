# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The project on disk: where its repository begins, what it is called, and a copy of it to build in."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustpub import declared
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import forgejo
from trustpub.workflow.gitlab import CI_FILE
from trustpub.workflow.read import WORKFLOWS

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+\Z", re.ASCII)
_PROJECT_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+\Z", re.ASCII)
_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://[^/]+/|[\w.-]+@[\w.-]+:/?)(?P<path>(?:[\w.~+-]+/)+[\w.-]+?)(?:\.git)?/?\Z", re.ASCII
)
"""A remote on a server, by URL or as ``git@host:owner/name``; a path on this machine says nothing about a forge."""
_LEFT_OUT = frozenset(
    {"node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
)
"""Never part of a release, wherever they lie; beside these, every virtual environment, and ``dist`` at the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A Python project in a repository."""

    folder: Path
    """Where ``pyproject.toml`` or ``setup.py`` lies."""
    root: Path
    """The top of its repository: ``folder`` or above it."""
    settings: Mapping[str, Any]
    """``pyproject.toml``, parsed; empty where there is none."""

    @property
    def name(self) -> str | None:
        """As ``pyproject.toml`` says it."""
        project, poetry = self.settings.get("project"), self.settings.get("tool", {}).get("poetry")
        names = [table.get("name") for table in (project, poetry) if isinstance(table, dict)]
        return next((name for name in names if isinstance(name, str) and name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Which repository the emulated CI vouches for. The ids are made up from the names, always the same ones."""

    name: str
    """``owner/name``, in the case that its forge has it in; on GitLab the owner may be groups within groups."""
    assumed: bool = False
    """Nothing says what it is called."""

    @property
    def owner_id(self) -> str:
        """Of the account."""
        return made_up(self.name.rpartition("/")[0].lower())

    @property
    def id(self) -> str:
        """Of the repository."""
        return made_up(self.name.lower())

    @property
    def told(self) -> str:
        """For people."""
        return f"{printable(self.name)}{' (assumed)' * self.assumed}"

    @property
    def doubts(self) -> tuple[str, ...]:
        """That the name was assumed, if it was."""
        said = f"nothing says what the repository is called; {self.name} was assumed (--repository OWNER/NAME)"
        return (said,) if self.assumed else ()


def find(folder: Path, *, must_build: bool = True) -> Project:
    """The project in ``folder``.

    Raises:
        Misuse: there is none, or its ``pyproject.toml`` is not TOML.
    """
    shown = printable(str(folder))
    if not folder.is_dir():
        raise Misuse(f"{shown} is not a folder.", hint="Give the folder that holds pyproject.toml.")
    path = folder / "pyproject.toml"
    if must_build and not path.is_file() and not (folder / "setup.py").is_file():
        raise Misuse(
            f"{shown} is not a Python project: it has neither pyproject.toml nor setup.py.",
            hint="Give the folder that holds pyproject.toml, or built files with --dist.",
        )
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misuse(f"{shown}/pyproject.toml is not TOML: {printable(str(error))}.") from None
    folder = folder.resolve()
    return Project(folder=folder, root=_root(folder), settings=settings)


def repository(project: Project, given: str | None, env: Mapping[str, str], *, groups: bool = False) -> Repository:
    """The repository given, else that of the git remote, else what the declared publishers name, else one named after
    the project.

    ``groups``: the owner may be groups within groups, as on GitLab; otherwise the last two parts of a remote count.

    Raises:
        Misuse: ``given`` is not ``owner/name``.
    """
    if given is not None:
        if not (_PROJECT_PATH if groups else _REPOSITORY).match(given):
            form = "group/project, or deeper" if groups else "owner/name"
            raise Misuse(f"{printable(given)} is not a repository: write it as {form}.")
        return Repository(name=given)
    url = git(project.root, env, "config", "--get", "remote.origin.url") if (project.root / ".git").exists() else None
    match = _REMOTE.match(url or "")
    if match is not None:
        return Repository(name=match["path"] if groups else "/".join(match["path"].split("/")[-2:]))
    if (named := _declared(project, groups=groups)) is not None:
        return Repository(name=named)
    name = re.sub(r"[^\w.-]", "-", project.name or project.folder.name, flags=re.ASCII)
    return Repository(name=f"example/{name}", assumed=True)


def _declared(project: Project, *, groups: bool) -> str | None:
    """What the project's declared publishers call the repository, if all that name one say the same."""
    indexes = declared.find(project.folder).indexes.values()
    found = {_repository_of(index.publisher.fields) for index in indexes if index.publisher is not None}
    pattern = _PROJECT_PATH if groups else _REPOSITORY
    names = {name for name in found if name is not None and pattern.match(name)}
    return names.pop() if len(names) == 1 else None


def _repository_of(fields: Mapping[str, str]) -> str | None:
    if "namespace" in fields and "project" in fields:
        return f"{fields['namespace']}/{fields['project']}"
    return fields.get("repository")


def git(root: Path, env: Mapping[str, str], *words: str) -> str | None:
    """What git says about ``root``; None if it has nothing to say, or is not installed."""
    calm = {name: value for name, value in env.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            env=calm | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def copy(project: Project, target: Path, env: Mapping[str, str]) -> Path:
    """Copy the repository, with its history, to ``target``; where the project lies in it.

    Left out is what no release is made of: environments, caches, and files built before.

    Raises:
        Misuse: a file cannot be read.
    """
    try:
        shutil.copytree(project.root, target, symlinks=True, ignore=_left_out(project), ignore_dangling_symlinks=True)
    except (shutil.Error, OSError) as error:
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise Misuse(f"The project cannot be copied: {printable(str(first))}.") from None
    if (project.root / ".git").is_file():
        _own_history(project.root, target, env)
    return target / project.folder.relative_to(project.root)


def _root(folder: Path) -> Path:
    """A folder with workflows of its own is a repository; otherwise the nearest one above that git knows."""
    if (folder / WORKFLOWS).is_dir() or (folder / CI_FILE).is_file() or forgejo.folder(folder) is not None:
        return folder
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _left_out(project: Project) -> Any:
    tops = {os.fspath(project.root), os.fspath(project.folder)}

    def ignore(folder: str, names: list[str]) -> set[str]:
        left_out = {name for name in names if name in _LEFT_OUT or _unfit(Path(folder, name))}
        if folder in tops:
            left_out |= {"dist"} & set(names)
        return left_out

    return ignore


def _unfit(path: Path) -> bool:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return (path / "pyvenv.cfg").is_file()
    # Sockets, pipes and devices cannot be copied; the `.git` file of a worktree would lead outside the copy.
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) or (path.name == ".git")


def _own_history(root: Path, target: Path, env: Mapping[str, str]) -> None:
    """Give the copy of a worktree or submodule a history of its own, which only reads that of the original."""
    aside = target.with_name(target.name + ".history")
    if git(root, env, "clone", "--quiet", "--shared", "--no-checkout", str(root), str(aside)) is not None:
        shutil.move(aside / ".git", target / ".git")
        git(target, env, "reset", "--quiet")
    shutil.rmtree(aside, ignore_errors=True)


def made_up(name: str) -> str:
    """Eight digits that follow from ``name``, for an id that nobody knows."""
    return str(10_000_000 + int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) % 80_000_000)


def made_up_uuid(name: str) -> str:
    """A UUID that follows from ``name``, for an id that nobody knows."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"rehearsed:{name.lower()}"))
