# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Edits of a YAML text by the places of what is in it, so that everything else stays as it is, to the byte.

Each of these gives None where the edit cannot be made without touching more than it should.
"""

from __future__ import annotations

import re
from typing import Any

from trustpub.workflow.findings import Edit
from trustpub.workflow.located import Mapping, key_spot, value_spot
from trustpub.workflow.scene import File

_PLAIN = re.compile(r"[A-Za-z0-9_./@$][A-Za-z0-9_./@$ -]*\Z")


def put(file: File, holder: Any, key: str, text: str) -> tuple[Edit, ...] | None:
    """Write ``text`` in place of the one value that ``key`` has in ``holder``; quotes around it go with it."""
    spot = value_spot(holder, key)
    if spot is None or isinstance(holder[key], dict | list) or "\n" in file.text[spot.start : spot.end]:
        return None
    if file.text[spot.start : spot.start + 1] in ("&", "*", "!"):  # an anchor, alias or tag is somebody else's too
        return None
    if spot.start == spot.end:
        return (Edit(path=file.path, start=spot.start, end=spot.end, text=f" {text}"),)
    return (Edit(path=file.path, start=spot.start, end=spot.end, text=text),)


def rename(file: File, holder: Any, key: str, new: str) -> tuple[Edit, ...] | None:
    """Call ``key`` in ``holder`` ``new``."""
    spot = key_spot(holder, key)
    if spot is None or new in holder or file.text[spot.start : spot.end] != key:
        return None
    return (Edit(path=file.path, start=spot.start, end=spot.end, text=new),)


def add(file: File, holder: Any, text: str, *, before: str | None = None) -> tuple[Edit, ...] | None:
    """Write the entry ``text`` (lines, not indented) into the mapping ``holder``, before one of its keys or as last."""
    if not isinstance(holder, Mapping):
        return None
    lines = text.split("\n")
    if holder.flow:
        return _add_in_braces(file, holder, lines)
    own = [spot for spot in holder.keys_at.values() if holder.spot.start <= spot.start < holder.spot.end]
    if not own:
        return None
    newline = _newline(file)
    indent = " " * (own[0].column - 1)
    if before is not None and (at := holder.keys_at.get(before)) is not None and at in own:
        written = (newline + indent).join(lines) + newline + indent
        return (Edit(path=file.path, start=at.start, end=at.start, text=written),)
    end = _line_end(file.text, _last(file.text, holder.spot.end))
    written = "".join(f"{newline}{indent}{line}" for line in lines)
    return (Edit(path=file.path, start=end, end=end, text=written),)


def drop(file: File, holder: Any, key: str) -> tuple[Edit, ...] | None:
    """Take ``key`` and its value out of the block mapping ``holder``, with the lines that they stand in."""
    if not isinstance(holder, Mapping) or holder.flow or len(holder) < 2:
        return None
    at, value = holder.keys_at.get(key), holder.values_at.get(key)
    if at is None or value is None:
        return None
    start = file.text.rfind("\n", 0, at.start) + 1
    if file.text[start : at.start].strip():  # the first entry of a list's item: `- key: value`
        return None
    end = _line_end(file.text, _last(file.text, max(value.end, at.end)))
    following = file.text.find("\n", end)
    return (Edit(path=file.path, start=start, end=len(file.text) if following < 0 else following + 1, text=""),)


def drop_inner(file: File, outer: Any, name: str, key: str) -> tuple[Edit, ...] | None:
    """Take ``key`` out of the mapping ``name`` of ``outer``, and that mapping itself where nothing is left in it."""
    inner = outer.get(name) if isinstance(outer, Mapping) else None
    if not isinstance(inner, Mapping) or key not in inner:
        return None
    return drop(file, outer, name) if len(inner) == 1 else drop(file, inner, key)


def written(value: str) -> str:
    """``value`` as a YAML scalar."""
    return value if _PLAIN.match(value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _add_in_braces(file: File, holder: Mapping, lines: list[str]) -> tuple[Edit, ...] | None:
    if len(lines) > 1:
        return None
    end = holder.spot.end - 1  # before the brace
    if not holder:
        return (Edit(path=file.path, start=holder.spot.start, end=holder.spot.end, text=f"{{ {lines[0]} }}"),)
    last = max(spot.end for spot in holder.values_at.values() if spot.end <= end)
    return (Edit(path=file.path, start=last, end=last, text=f", {lines[0]}"),)


def _newline(file: File) -> str:
    return "\r\n" if "\r\n" in file.text else "\n"


def _last(text: str, end: int) -> int:
    """The end without the white space before it."""
    return len(text[:end].rstrip())


def _line_end(text: str, at: int) -> int:
    """Where the line of ``at`` ends, before its line break."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if end > at and text[end - 1] == "\r" else end
