# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where a key stands in a project's ``pyproject.toml``: Python's reader of TOML says what is in it, and not where."""

from __future__ import annotations

import json
import re

from trustpub.declared import FILE, TABLE
from trustpub.workflow.findings import Edit
from trustpub.workflow.located import Place, Spot

_HEADER = re.compile(r"[ \t]*\[\[?[ \t]*([^\]\n]+?)[ \t]*\]\]?[ \t]*(?:#.*)?\Z")
_ENTRY = re.compile(r"[ \t]*(?P<key>[A-Za-z0-9_-]+)[ \t]*=[ \t]*(?P<value>\"[^\"\n]*\"|'[^'\n]*')?")


def publisher_place(text: str, index: str, key: str) -> tuple[Place, Spot | None]:
    """Where ``key`` of the declared publisher of ``index`` stands, else its table; and its value, if on one line."""
    wanted = f"{TABLE}.indexes.{index}.publisher"
    nearest = Spot(0, 0, 1, 1)
    table, offset = "", 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        header = _HEADER.match(line.rstrip("\r\n"))
        if header is not None:
            table = header[1].replace('"', "").replace(" ", "")
            if table == wanted or (wanted.startswith(f"{table}.") and table.startswith(TABLE)):
                nearest = Spot(offset, offset + len(line), number, 1)
        entry = _ENTRY.match(line)
        if entry is not None and table == wanted and entry["key"].replace("_", "-") == key:
            spot = Spot(offset + entry.start("key"), offset + entry.end("key"), number, entry.start("key") + 1)
            value = None
            if entry["value"]:
                value = Spot(
                    offset + entry.start("value"), offset + entry.end("value"), number, entry.start("value") + 1
                )
            return Place(path=FILE, spot=spot), value
        offset += len(line)
    return Place(path=FILE, spot=nearest), None


def put(spot: Spot | None, value: str) -> tuple[Edit, ...] | None:
    """Write ``value`` in place of the text at ``spot``."""
    if spot is None:
        return None
    return (Edit(path=FILE, start=spot.start, end=spot.end, text=json.dumps(value, ensure_ascii=False)),)
