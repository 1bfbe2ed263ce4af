# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The section of a changelog that is about one version.

Changelogs are Markdown or reStructuredText, and a heading that names the version begins the section; it ends with the
next heading of the same level or a higher one. That is what Keep a Changelog asks for and what towncrier and scriv
write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*#*[ \t]*\Z")
_UNDERLINE = re.compile(r"(?P<mark>[=\-~^\"'+*#.:_`])(?P=mark){2,}[ \t]*\Z")
_VERSION = re.compile(
    r"(?<![\w.])[vV]?(?P<version>\d+(?:\.\d+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|post|dev)[-_.]?\d*)*)(?![\w])"
)
_LINK = re.compile(r"\[[^\]]+\]:[ \t]*\S+")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heading:
    line: int
    body: int
    """The first line after it."""
    level: int
    title: str


def section(text: str, version: Version) -> str | None:
    """What ``text`` says of ``version``, without its heading; None where no heading names it, and "" where it is empty.

    References of Markdown links that the section uses come with it.
    """
    lines = text.splitlines()
    headings = list(_headings(lines))
    named = [heading for heading in headings if _named(heading.title) == version]
    if not named:
        return None
    # "Python 3.13" below a release is not about version 3.13.
    heading = min(named, key=lambda one: one.level)
    after = next((one for one in headings if one.line > heading.line and one.level <= heading.level), None)
    return _with_references(_trimmed(lines[heading.body : None if after is None else after.line]), lines)


def versions(text: str) -> tuple[str, ...]:
    """Those that ``text`` has sections about, in its order."""
    found = (_named(heading.title) for heading in _headings(text.splitlines()))
    return tuple(dict.fromkeys(str(version) for version in found if version is not None))


def _headings(lines: list[str]) -> Iterator[_Heading]:
    fence = ""
    rst: list[str] = []  # of reStructuredText: the first mark that is used is the highest level
    for number, line in enumerate(lines):
        opening = _FENCE.match(line)
        if opening is not None and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
            continue
        if fence:
            continue
        atx = _ATX.match(line)
        if atx is not None:
            yield _Heading(line=number, body=number + 1, level=len(atx["marks"]), title=atx["title"])
            continue
        below = _UNDERLINE.match(lines[number + 1]) if number + 1 < len(lines) else None
        if below is None or not line.strip() or line[0].isspace() or _UNDERLINE.match(line):
            continue
        if len(lines[number + 1].rstrip()) < min(len(line.rstrip()), 3):
            continue
        mark = below["mark"]
        over = number > 0 and lines[number - 1].rstrip() == lines[number + 1].rstrip()
        shape = mark * 2 if over else mark
        if shape not in rst:
            rst.append(shape)
        yield _Heading(line=number - over, body=number + 2, level=rst.index(shape) + 1, title=line.strip())


def _named(title: str) -> Version | None:
    """The version that a heading names: ``[1.2.3] - 2026-01-01``, ``demo 1.2.3 (2026-01-01)``, ``v1.2.3``."""
    plain = re.sub(r"\d{4}-\d{2}-\d{2}|\d{4}\.\d{2}\.\d{2}(?=\))|\]\([^)]*\)", " ", title)
    match = _VERSION.search(plain)
    try:
        return None if match is None else Version(match["version"])
    except InvalidVersion:
        return None


def _trimmed(body: list[str]) -> str:
    text = _COMMENT.sub("", "\n".join(body))
    kept = [line.rstrip() for line in text.splitlines() if not _LINK.fullmatch(line.strip())]
    return "\n".join(kept).strip("\n")


def _with_references(text: str, lines: list[str]) -> str:
    used = [
        line.strip()
        for line in lines
        if _LINK.fullmatch(line.strip()) and line.strip().partition("]:")[0] + "]" in text
    ]
    return "\n".join([text, "", *used]) if used and text else text
