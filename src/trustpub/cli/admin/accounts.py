# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin user …``: who can sign in, and how they get there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from trustpub.cli.admin.folder import moment
from trustpub.cli.admin.people import user
from trustpub.cli.admin.reach import Reach, on_index
from trustpub.cli.show import screen
from trustpub.secret import Secret


@user.command("invite")
@click.option("--email", default="", metavar="ADDRESS", help="Theirs; they can change it when they take the link.")
@click.option("--administrator", is_flag=True, help="They administer the whole index.")
@on_index
def invite(email: str, administrator: bool, index: Reach) -> None:
    """Print a link with which somebody makes an account, once."""
    invited = index.ask("invitation.add", email=email, administrator=administrator)
    whom = "an administrator" if administrator else "a person"
    _show(invited, f"Whoever has this link makes an account for {whom}")


@user.command("reset")
@click.argument("name")
@on_index
def reset(name: str, index: Reach) -> None:
    """Print a link with which NAME sets a new password, once; it removes the second factor, too."""
    invited = index.ask("user.reset", user=name)
    _show(invited, f"Whoever has this link sets the password of {name}")


@user.command("suspend")
@click.argument("name")
@on_index
def suspend(name: str, index: Reach) -> None:
    """Let nobody sign in as NAME, and take none of their tokens."""
    changed = index.ask("user.change", user=name, suspended=True)
    screen().step(f"{changed['name']} is suspended. Lift it with: trustpub admin user restore {changed['name']}")


@user.command("restore")
@click.argument("name")
@on_index
def restore(name: str, index: Reach) -> None:
    """Let NAME sign in again, and take their tokens."""
    changed = index.ask("user.change", user=name, suspended=False)
    screen().step(f"{changed['name']} can sign in again.")


@user.command("promote")
@click.argument("name")
@on_index
def promote(name: str, index: Reach) -> None:
    """Make NAME an administrator of the whole index."""
    changed = index.ask("user.change", user=name, administrator=True)
    screen().step(f"{changed['name']} is an administrator.")


@user.command("demote")
@click.argument("name")
@on_index
def demote(name: str, index: Reach) -> None:
    """Make NAME an administrator no more."""
    changed = index.ask("user.change", user=name, administrator=False)
    screen().step(f"{changed['name']} is no administrator any more.")


def _show(invited: Mapping[str, Any], what: str) -> None:
    seen, link = screen(), Secret(invited["link"])
    seen.aside = True
    seen.mask(link)
    seen.step(f"{what}, until {moment(invited['invitation']['expires'])}. It is shown this once:")
    seen.result(link.reveal())
