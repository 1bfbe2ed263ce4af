# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin user …``: who can sign in, and how they get there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trustpub.cli.admin.folder import in_folder, moment, open_index
from trustpub.cli.admin.people import user
from trustpub.cli.show import screen

if TYPE_CHECKING:
    from trustpub.index.accounts.invitations import Invited


@user.command("invite")
@click.option("--email", default="", metavar="ADDRESS", help="Theirs; they can change it when they take the link.")
@click.option("--administrator", is_flag=True, help="They administer the whole index.")
@in_folder
def invite(email: str, administrator: bool, data: Path) -> None:
    """Print a link with which somebody makes an account, once."""
    with open_index(data) as folder:
        invited = folder.invitations.invite(email, administrator=administrator)
    whom = "an administrator" if administrator else "a person"
    _show(invited, f"Whoever has this link makes an account for {whom}")


@user.command("reset")
@click.argument("name")
@in_folder
def reset(name: str, data: Path) -> None:
    """Print a link with which NAME sets a new password, once; it removes the second factor, too."""
    with open_index(data) as folder:
        invited = folder.invitations.reset(name)
    _show(invited, f"Whoever has this link sets the password of {name}")


@user.command("suspend")
@click.argument("name")
@in_folder
def suspend(name: str, data: Path) -> None:
    """Let nobody sign in as NAME, and take none of their tokens."""
    with open_index(data) as folder:
        changed = folder.people.suspend(name)
    screen().step(f"{changed.name} is suspended. Lift it with: trustpub admin user restore {changed.name}")


@user.command("restore")
@click.argument("name")
@in_folder
def restore(name: str, data: Path) -> None:
    """Let NAME sign in again, and take their tokens."""
    with open_index(data) as folder:
        changed = folder.people.restore(name)
    screen().step(f"{changed.name} can sign in again.")


@user.command("promote")
@click.argument("name")
@in_folder
def promote(name: str, data: Path) -> None:
    """Make NAME an administrator of the whole index."""
    with open_index(data) as folder:
        changed = folder.people.promote(name)
    screen().step(f"{changed.name} is an administrator.")


@user.command("demote")
@click.argument("name")
@in_folder
def demote(name: str, data: Path) -> None:
    """Make NAME an administrator no more."""
    with open_index(data) as folder:
        changed = folder.people.demote(name)
    screen().step(f"{changed.name} is no administrator any more.")


def _show(invited: Invited, what: str) -> None:
    seen = screen()
    seen.aside = True
    seen.mask(invited.link)
    seen.step(f"{what}, until {moment(invited.invitation.expires)}. It is shown this once:")
    seen.result(invited.link.reveal())
