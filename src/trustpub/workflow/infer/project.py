# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A project's folder, and every answer that can be read from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from trustpub import declared
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import repository, version
from trustpub.workflow.infer import existing, forge, packaging
from trustpub.workflow.infer.conclusion import Conclusion, Inferred

_PUBLIC = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})


def infer(folder: Path) -> Inferred:
    """What the project in ``folder`` says of itself. What is declared goes before what its workflows and git say.

    Raises:
        Misuse: there is no project, or its ``pyproject.toml`` cannot be read.
    """
    shown = printable(str(folder))
    if not folder.is_dir():
        raise Misuse(f"{shown} is not a folder.", hint="Give the folder that holds pyproject.toml.")
    folder = folder.resolve()
    if not (folder / declared.FILE).is_file() and not (folder / "setup.py").is_file():
        raise Misuse(
            f"{shown} is not a Python project: it has neither pyproject.toml nor setup.py.",
            hint="Run this in the folder that holds pyproject.toml.",
        )
    root = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)
    settings = version.settings(folder)
    source = version.source(folder, settings)
    found = repository.find(root)
    answers = dict(packaging.conclude(folder, settings, source))
    answers |= forge.conclude(root, found)
    own = dict(existing.declared(declared.find(folder)))
    platform = own.get("platform") or answers.get("platform")
    implied, notes = existing.workflows(root, None if platform is None else str(platform.value))
    answers = answers | implied | own
    if root != folder:
        answers["folder"] = Conclusion(
            value=PurePosixPath(folder.relative_to(root).as_posix()), why="pyproject.toml lies there"
        )
    log = packaging.changelog(root)
    if log is not None:
        answers["changelog"] = log
    members = packaging.members(root, version.settings(root) if root != folder else settings)
    return Inferred(
        folder=folder, root=root, settings=settings, answers=answers, version=source,
        tags=() if found is None else found.tags, issuer=_issuer(found), members=tuple(sorted(members)),
        notes=(*notes, *_of_members(members, folder, root)),
    )  # fmt: skip


def _issuer(found: repository.Repository | None) -> str | None:
    """Of a forge that is none of the public ones: a GitLab vouches for its jobs under its own address."""
    host = None if found is None else found.host
    return None if host is None or host in _PUBLIC else f"https://{host}"


def _of_members(members: Mapping[str, Path], folder: Path, root: Path) -> tuple[str, ...]:
    others = sorted(name for name, path in members.items() if path != folder)
    if not others:
        return ()
    told = ", ".join(printable(name, 100) for name in others[:10])
    where = "the workspace" if folder == root else "a member of the workspace"
    return (f"This is {where} of {told}: each that is released has its own answers, in its own folder.",)
