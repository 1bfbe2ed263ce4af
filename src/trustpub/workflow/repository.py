# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a folder's git repository says: where it comes from, which tags it has. Read from its files, without git."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_REMOTE = re.compile(r'^\[remote "origin"\]\s*\n((?:[ \t]+.*\n?|[ \t]*[#;].*\n?|\s*\n)*)', re.MULTILINE)
_URL = re.compile(r"^\s*url\s*=\s*(\S+)", re.MULTILINE)
_ADDRESS = re.compile(
    r"(?:[a-z+]+://(?:[^@/\s]+@)?|[^@/\s:]+@)(?P<host>[^/:\s]+)(?::\d+)?[/:](?P<path>[^\s]+?)(?:\.git)?/?\Z"
)
_MOST_TAGS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Of a project that is in git."""

    host: str | None = None
    """Of the remote `origin`, such as ``github.com``; None where there is none."""
    path: str | None = None
    """On that host, in its exact case, such as ``acme/demo``."""
    tags: tuple[str, ...] = ()


def find(root: Path) -> Repository | None:
    """The repository whose top is ``root``; None where that is not one."""
    folder = _folder(root)
    if folder is None:
        return None
    host, path = _origin(_text(folder / "config"))
    return Repository(host=host, path=path, tags=_tags(folder))


def _folder(root: Path) -> Path | None:
    place = root / ".git"
    if place.is_dir():
        return place
    if not place.is_file():
        return None
    target = _text(place).partition("gitdir:")[2].strip()
    folder = root / target
    if not target or not folder.is_dir():
        return None
    common = _text(folder / "commondir").strip()  # of a worktree
    return folder / common if common else folder


def _origin(config: str) -> tuple[str | None, str | None]:
    section = _REMOTE.search(config)
    url = _URL.search(section[1]) if section else None
    match = _ADDRESS.match(url[1]) if url else None
    return (match["host"].lower(), match["path"].lstrip("/")) if match else (None, None)


def _tags(folder: Path) -> tuple[str, ...]:
    packed = re.findall(r"^[0-9a-f]{40,64} refs/tags/(\S+)$", _text(folder / "packed-refs"), re.MULTILINE)
    loose = folder / "refs" / "tags"
    found = (
        [path.relative_to(loose).as_posix() for path in loose.rglob("*") if path.is_file()] if loose.is_dir() else []
    )
    return tuple(sorted({*packed[:_MOST_TAGS], *found[:_MOST_TAGS]}))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
