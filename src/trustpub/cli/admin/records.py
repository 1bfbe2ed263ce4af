# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin attempts`` and ``events``: what the index noted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from trustpub.cli.admin.folder import moment, show_rows
from trustpub.cli.admin.reach import Reach, listing
from trustpub.cli.show import screen
from trustpub.printable import printable

_MOST = 1000
_DAY = click.DateTime(["%Y-%m-%d"])
_DAY_SECONDS = 86_400


@click.command("attempts")
@click.option("--project", metavar="NAME", help="Those that came near this project.  [default: near none]")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="How many at most.")
@listing
def attempts(project: str | None, limit: int, index: Reach, as_json: bool) -> None:
    """Show identities that were proven and refused, the last seen first, and why."""
    if project is None:
        found = index.ask("index.attempts", limit=limit)
    else:
        found = index.ask("attempt.list", project=project, limit=limit)
    show_rows(found["attempts"], as_json, "No refused identity is noted.", _attempt_lines)


@click.command("events")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only of this kind, as publisher-added; repeatable."
)
@click.option("--since", type=_DAY, metavar="DAY", help="Only from this day on, as 2026-01-31 (UTC).")
@click.option("--until", type=_DAY, metavar="DAY", help="Only up to this day, which counts whole.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="How many at most.")
@click.option("--export", is_flag=True, help="Print all of them, a JSON object a line.")
@listing
def events(
    project: str | None, kinds: tuple[str, ...], since: datetime | None, until: datetime | None, limit: int,
    export: bool, index: Reach, as_json: bool,
) -> None:  # fmt: skip
    """Show what happened, the newest first."""
    wanted = {
        "project": project,
        "kind": ",".join(kinds) or None,
        "since": None if since is None else _seconds(since),
        "until": None if until is None else _seconds(until) + _DAY_SECONDS,
    }
    of = "index" if project is None else "project"
    if export:
        for row in index.ask(f"{of}.export", **wanted):
            screen().result(json.dumps(row, ensure_ascii=False))
        return
    found = index.ask(f"{of}.events", limit=limit, **wanted)["events"]
    show_rows(found, as_json, "Nothing happened yet.", _event_line)


def _seconds(day: datetime) -> int:
    return int(day.replace(tzinfo=UTC).timestamp())


def _attempt_lines(row: Mapping[str, Any]) -> str:
    times = "once" if row["count"] == 1 else f"{row['count']} times"
    lines = [f"{moment(row['last'])}  {times}, by {printable(row['issuer'])}, from {printable(row['peer'])}"]
    lines += [f"    {printable(reason)}" for reason in row["reasons"]]
    lines += [f"    {printable(name, 100)}: {printable(value, 300)}" for name, value in row["claims"].items()]
    return "\n".join(lines)


def _event_line(row: Mapping[str, Any]) -> str:
    facts = printable(json.dumps(row["facts"], ensure_ascii=False), 1000)
    return f"{moment(row['at'])}  {printable(row['kind'], 100)}  {facts}"
