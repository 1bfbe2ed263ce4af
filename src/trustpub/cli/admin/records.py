# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin attempts`` and ``events``: what the index noted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trustpub.cli.admin.folder import listing, moment, open_index, show_rows
from trustpub.printable import printable

_MOST = 1000


@click.command("attempts")
@click.option("--project", metavar="NAME", help="Those that came near this project.  [default: near none]")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="How many at most.")
@listing
def attempts(project: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show identities that were proven and refused, the last seen first, and why."""
    with open_index(data) as folder:
        found = folder.records.attempts(project, limit)
    rows = [
        {
            "id": one.id, "issuer": one.issuer, "kind": one.kind, "claims": dict(one.claims),
            "reasons": list(one.reasons), "first": one.first, "last": one.last, "count": one.count, "peer": one.peer,
        }
        for one in found
    ]  # fmt: skip
    show_rows(rows, as_json, "No refused identity is noted.", _attempt_lines)


@click.command("events")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="How many at most.")
@listing
def events(project: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show what happened, the newest first."""
    with open_index(data) as folder:
        found = folder.records.events(project, limit)
    rows = [
        {
            "at": one.at, "kind": one.kind, "project_id": one.project_id, "publisher_id": one.publisher_id,
            "facts": dict(one.facts),
        }
        for one in found
    ]  # fmt: skip
    show_rows(rows, as_json, "Nothing happened yet.", _event_line)


def _attempt_lines(row: Mapping[str, Any]) -> str:
    times = "once" if row["count"] == 1 else f"{row['count']} times"
    lines = [f"{moment(row['last'])}  {times}, by {printable(row['issuer'])}, from {printable(row['peer'])}"]
    lines += [f"    {printable(reason)}" for reason in row["reasons"]]
    lines += [f"    {printable(name, 100)}: {printable(value, 300)}" for name, value in row["claims"].items()]
    return "\n".join(lines)


def _event_line(row: Mapping[str, Any]) -> str:
    facts = printable(json.dumps(row["facts"], ensure_ascii=False), 1000)
    return f"{moment(row['at'])}  {row['kind']}  {facts}"
