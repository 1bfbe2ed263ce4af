# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are written for a release, and what of them is ours: what lies between the two markers."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import PurePosixPath

BEGIN = "# trustpub init: begin"
END = "# trustpub init: end"
_KEPT = "— written anew by `trustpub init --update`; what stands outside the two marks is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file as it is to be."""

    path: PurePosixPath
    """From the top of the repository."""
    text: str
    whole: bool = False
    """Whether all of it is ours, so that it has no marks."""


def marked(text: str) -> str:
    """``text`` between the marks."""
    return f"{BEGIN} {_KEPT}\n{text.rstrip()}\n{END}\n"


def merged(before: str | None, after: Written) -> str | None:
    """What the file becomes: ``before`` with the part between the marks replaced. None: it has no marks to go by."""
    if before is None or after.whole:
        return after.text
    old, new = _span(before), _span(after.text)
    if old is None or new is None:
        return None
    lines, fresh = before.splitlines(keepends=True), after.text.splitlines(keepends=True)
    return "".join([*lines[: old[0]], *fresh[new[0] : new[1]], *lines[old[1] :]])


def difference(path: PurePosixPath, before: str | None, after: str) -> str:
    """A unified difference, empty where nothing changes."""
    old = [] if before is None else before.splitlines(keepends=True)
    name = "/dev/null" if before is None else f"a/{path}"
    lines = difflib.unified_diff(old, after.splitlines(keepends=True), name, f"b/{path}")
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _span(text: str) -> tuple[int, int] | None:
    """From the line of the first mark to behind that of the second."""
    lines = text.splitlines()
    begins = [number for number, line in enumerate(lines) if line.strip().startswith(BEGIN)]
    ends = [number for number, line in enumerate(lines) if line.strip().startswith(END)]
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        return None
    return begins[0], ends[0] + 1
