# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Versions and the tags that stand for them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.version import InvalidVersion, Version

from trustpub.declared import ANY_VERSION
from trustpub.errors import Misuse

USUAL = f"v{ANY_VERSION}"
"""Where nothing says how tags are made."""
_TAG = re.compile(r"(?P<before>(?:[A-Za-z][\w./-]*?[-/@_])?[A-Za-z]*)(?P<version>\d+(?:\.\d+)+[\w.+!-]*|\d+)\Z")


def version_of(tag: str, style: str) -> Version | None:
    """The version that ``tag`` stands for, where tags are made as ``style`` says; None: it is no such tag."""
    before, _, after = style.partition(ANY_VERSION)
    if not (tag.startswith(before) and tag.endswith(after) and len(tag) > len(before) + len(after)):
        return None
    try:
        return Version(tag[len(before) : len(tag) - len(after)])
    except InvalidVersion:
        return None


def newest(tags: Iterable[str], style: str) -> Version | None:
    """The highest version among ``tags``."""
    return max((found for tag in tags if (found := version_of(tag, style)) is not None), default=None)


def taken(version: Version, tags: Iterable[str], style: str) -> str | None:
    """The tag that stands for ``version`` already, with or without the letter before it that others write."""
    styles = dict.fromkeys([style, USUAL, ANY_VERSION])
    return next((tag for tag in tags for one in styles if version_of(tag, one) == version), None)


def style(tags: Iterable[str]) -> tuple[str, int, str] | None:
    """How the newest of ``tags`` were made: the style, how many are so, and the last of them; None where none is a
    version.

    A beginning that only one tag in ten has is taken for somebody's experiment.
    """
    found: Counter[str] = Counter()
    newest_of: dict[str, tuple[Version, str]] = {}
    for tag in tags:
        match = _TAG.match(tag)
        if match is None:
            continue
        try:
            version = Version(match["version"])
        except InvalidVersion:
            continue
        before = match["before"]
        found[before] += 1
        if before not in newest_of or newest_of[before][0] < version:
            newest_of[before] = (version, tag)
    if not found:
        return None
    usual = [before for before, count in found.items() if count * 10 >= found.total()]
    before = max(usual, key=lambda one: newest_of[one][0])
    return f"{before}{ANY_VERSION}", found[before], newest_of[before][1]


def put(folder: Path, tag: str, env: Mapping[str, str]) -> None:
    """Give the commit at hand the annotated tag ``tag``, here and nowhere else.

    Raises:
        Misuse: there is no history to put it into, or no git.
    """
    calm = {name: value for name, value in env.items() if not name.startswith("GIT_")}
    identity = ("-c", "user.name=trustpub", "-c", "user.email=rehearsal@localhost", "-c", "tag.gpgSign=false")
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *identity, "tag", "--force", "--annotate", "--message", tag, "--", tag],
            env=calm | {"GIT_TERMINAL_PROMPT": "0"}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode != 0:
        raise Misuse(
            "The project takes its version from a tag, and there is no git history here to put one into.",
            hint="Do this in a clone, with git installed.",
        )
