# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin name``: names that nobody may have, and how long one is held."""

from __future__ import annotations

import click

from trustpub.cli.admin.folder import show_rows
from trustpub.cli.admin.reach import Reach, listing, on_index
from trustpub.cli.show import screen
from trustpub.printable import printable


@click.group()
def name() -> None:
    """Names of projects that nobody may register."""


@name.command("prohibit")
@click.argument("project", metavar="NAME")
@click.option("--reason", default="", metavar="TEXT", help="Why; told to those who try.")
@on_index
def prohibit_name(project: str, reason: str, index: Reach) -> None:
    """Keep everybody from registering NAME, in any spelling. A project that has it stays."""
    there = index.ask("name.prohibit", name=project, reason=reason)["project"]
    seen = screen()
    seen.step(f"The name {printable(project)} is prohibited.")
    if there is not None:
        how = "exists" if there["pending_until"] is None else "is held for a first release"
        seen.warning(f"the project {there['name']} {how}, and stays as it is: only new registrations are refused")


@name.command("permit")
@click.argument("project", metavar="NAME")
@on_index
def permit_name(project: str, index: Reach) -> None:
    """Let NAME be registered again."""
    index.ask("name.permit", name=project)
    screen().step(f"The name {printable(project)} may be registered.")


@name.command("list")
@listing
def list_names(index: Reach, as_json: bool) -> None:
    """Show the names that are prohibited here. Those of Python's standard library are too, and not shown."""
    show_rows(
        index.ask("name.list")["names"],
        as_json,
        "No name is prohibited, beside those of Python's standard library.",
        lambda row: f"{row['name']}  {row['reason']}".rstrip(),
    )


@name.command("hold-days")
@click.argument("days", required=False, type=int)
@on_index
def hold_days(days: int | None, index: Reach) -> None:
    """Show, or set to DAYS, how long a name is held for a pending publisher. Names held already keep their time."""
    if days is None:
        screen().result(str(index.ask("name.hold-days")["days"]))
        return
    index.ask("name.set-hold-days", days=days)
    screen().step(f"From now on a name is held for {days} day(s), where its registration does not say otherwise.")
