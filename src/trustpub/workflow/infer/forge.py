# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What git says: whose repository it is and where, its default branch, and how its tags are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trustpub.workflow import tags
from trustpub.workflow.infer.conclusion import Conclusion
from trustpub.workflow.repository import Repository

_HEAD = re.compile(r"ref: refs/(?:remotes/origin|heads)/(\S+)\s*\Z")
_FILES = {
    ".github/workflows": "github",
    ".gitlab-ci.yml": "gitlab",
    "cloudbuild.yaml": "google",
    "cloudbuild.yml": "google",
    "activestate.yaml": "activestate",
}
"""What lies in a repository whose releases are made there."""


def conclude(root: Path, found: Repository | None) -> Iterator[tuple[str, Conclusion]]:
    """Question and answer, for everything that can be said."""
    yield from _platform(root, found)
    if found is not None and found.path is not None and "/" in found.path:
        owner, _, name = found.path.rpartition("/")
        yield "owner", Conclusion(value=owner, why="git's remote origin")
        yield "repository", Conclusion(value=name, why="git's remote origin")
    branch = _branch(root)
    if branch is not None:
        yield "branch", branch
    if found is not None:
        style = tags.style(found.tags)
        if style is not None:
            made, count, last = style
            yield "tag", Conclusion(value=made, why=f"{count} tags are like {last}" if count > 1 else f"the tag {last}")


def _platform(root: Path, found: Repository | None) -> Iterator[tuple[str, Conclusion]]:
    host = "" if found is None or found.host is None else found.host
    if host == "github.com":
        yield "platform", Conclusion(value="github", why="git's remote origin is on github.com")
    elif host == "gitlab.com" or "gitlab" in host.split(".")[0]:
        yield "platform", Conclusion(value="gitlab", why=f"git's remote origin is on {host}")
    else:
        for name, platform in _FILES.items():
            if (root / name).exists():
                yield "platform", Conclusion(value=platform, why=f"{name} is there")
                return


def _branch(root: Path) -> Conclusion | None:
    """That which the remote calls its own, else the usual one that is here, else the one at hand."""
    folder = root / ".git"
    if folder.is_file():  # a worktree's HEAD is not the default
        named = _text(folder).partition("gitdir:")[2].strip()
        common = root / named / _text(root / named / "commondir").strip()
        folder = common if named and common.is_dir() else folder
    if not folder.is_dir():
        return None
    remote = _HEAD.match(_text(folder / "refs/remotes/origin/HEAD"))
    if remote is not None:
        return Conclusion(value=remote[1], why="the remote calls it its HEAD")
    packed = _text(folder / "packed-refs")
    for name in ("main", "master"):
        if (folder / "refs/heads" / name).is_file() or f" refs/heads/{name}\n" in packed:
            return Conclusion(value=name, why=f"there is a branch {name}")
    own = _HEAD.match(_text(folder / "HEAD"))
    return None if own is None else Conclusion(value=own[1], why="it is checked out")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
