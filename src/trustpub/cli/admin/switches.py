# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin switch``: stop the whole index, or minting for one kind of provider, and go on."""

from __future__ import annotations

import click

from trustpub.cli.admin.folder import show_rows
from trustpub.cli.admin.reach import Reach, listing, on_index
from trustpub.cli.show import screen
from trustpub.printable import printable

_because = click.option("--reason", default="", metavar="TEXT", help="Why; told to those who are turned away.")


@click.group()
def switch() -> None:
    """What is stopped for a while, in an emergency. Nothing is undone."""


@switch.command("list")
@listing
def list_switches(index: Reach, as_json: bool) -> None:
    """Show what is stopped, and why."""
    found = index.ask("switch.show")
    rows = [] if found["read_only"] is None else [{"what": "read-only", "reason": found["read_only"]}]
    rows += [{"what": f"no minting for {kind}", "reason": why} for kind, why in found["stopped"].items()]
    show_rows(rows, as_json, "Nothing is stopped.", lambda row: f"{row['what']}: {printable(row['reason'])}")


@switch.command("read-only")
@_because
@on_index
def read_only(reason: str, index: Reach) -> None:
    """Take no uploads, mint nothing, and let nobody change a project. Administrators can still change the index."""
    index.ask("switch.read-only", on=True, reason=reason)
    screen().step("The index is read-only.")


@switch.command("writable")
@on_index
def writable(index: Reach) -> None:
    """Take uploads and changes again."""
    index.ask("switch.read-only", on=False)
    screen().step("The index takes uploads and changes.")


@switch.command("no-mint")
@click.argument("kind")
@_because
@on_index
def no_mint(kind: str, reason: str, index: Reach) -> None:
    """Mint nothing for jobs of this KIND of provider, as github. Tokens minted before live on."""
    index.ask("switch.minting", kind=kind, stopped=True, reason=reason)
    screen().step(f"Nothing is minted for {kind}.")


@switch.command("mint")
@click.argument("kind")
@on_index
def mint(kind: str, index: Reach) -> None:
    """Mint for jobs of this KIND of provider again."""
    index.ask("switch.minting", kind=kind, stopped=False)
    screen().step(f"Tokens are minted for {kind}.")
