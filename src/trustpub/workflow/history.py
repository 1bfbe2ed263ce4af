# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What git's history says of a file; asked of git itself, and nothing where that is not here."""

from __future__ import annotations

from pathlib import Path

_SECONDS = 10


def changed_since_last_tag(root: Path, path: str) -> str | None:
    """The newest tag of the commits at hand, if ``path`` was changed in a commit after it; else None."""
    tag = _git(root, "describe", "--tags", "--abbrev=0", "HEAD")
    if not tag:
        return None
    return tag if _git(root, "log", "-1", "--format=%H", f"{tag}..HEAD", "--", path) else None


def _git(root: Path, *arguments: str) -> str:
    import subprocess  # two milliseconds, which most projects need not wait

    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""
