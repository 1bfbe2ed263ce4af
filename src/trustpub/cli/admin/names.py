# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin name``: names that nobody may have, and how long one is held."""

from __future__ import annotations

from pathlib import Path

import click

from trustpub.cli.admin.folder import in_folder, listing, open_index, show_rows
from trustpub.cli.show import screen
from trustpub.printable import printable


@click.group()
def name() -> None:
    """Names of projects that nobody may register."""


@name.command("prohibit")
@click.argument("project", metavar="NAME")
@click.option("--reason", default="", metavar="TEXT", help="Why; told to those who try.")
@in_folder
def prohibit_name(project: str, reason: str, data: Path) -> None:
    """Keep everybody from registering NAME, in any spelling. A project that has it stays."""
    with open_index(data) as folder:
        there = folder.names.prohibit(project, reason)
    seen = screen()
    seen.step(f"The name {printable(project)} is prohibited.")
    if there is not None:
        how = "exists" if there.pending_until is None else "is held for a first release"
        seen.warning(f"the project {there.name} {how}, and stays as it is: only new registrations are refused")


@name.command("permit")
@click.argument("project", metavar="NAME")
@in_folder
def permit_name(project: str, data: Path) -> None:
    """Let NAME be registered again."""
    with open_index(data) as folder:
        folder.names.permit(project)
    screen().step(f"The name {printable(project)} may be registered.")


@name.command("list")
@listing
def list_names(data: Path, as_json: bool) -> None:
    """Show the names that are prohibited here. Those of Python's standard library are too, and not shown."""
    with open_index(data) as folder:
        found = folder.names.prohibited()
    rows = [{"name": one, "reason": reason} for one, reason in found]
    show_rows(
        rows,
        as_json,
        "No name is prohibited, beside those of Python's standard library.",
        lambda row: f"{row['name']}  {row['reason']}".rstrip(),
    )


@name.command("hold-days")
@click.argument("days", required=False, type=int)
@in_folder
def hold_days(days: int | None, data: Path) -> None:
    """Show, or set to DAYS, how long a name is held for a pending publisher. Names held already keep their time."""
    with open_index(data) as folder:
        if days is None:
            screen().result(str(folder.names.hold_days()))
            return
        folder.names.set_hold_days(days)
    screen().step(f"From now on a name is held for {days} day(s), where its registration does not say otherwise.")
