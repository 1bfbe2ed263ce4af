# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin purge``: what is to be gone for good."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import click

from trustpub.cli.admin.folder import in_folder, open_index
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.bootstrap.folder import Folder
    from trustpub.index.configuration.whole import Place
    from trustpub.index.manage.purging import Purge


@click.group()
def purge() -> None:
    """Take a project or an account away for good. Backups that were made before still have it."""


_YES = click.option("--yes", is_flag=True, help="Do not ask for the name once more.")


@purge.command("project")
@click.argument("name", metavar="PROJECT")
@_YES
@in_folder
def purge_project(name: str, yes: bool, place: Place) -> None:
    """Take PROJECT away with all of its files. Its name is prohibited afterwards."""
    from trustpub.index.manage.purging import Purging

    with open_index(place) as folder:
        purging = Purging(folder.store, folder.blobs, folder.clock)
        _ask(purging.look_at_project(name), yes)
        done = purging.purge_project(name)
        _sweep(folder)
    screen().step(f"The project {printable(done.name)} is gone.")


@purge.command("account")
@click.argument("name", metavar="USER")
@_YES
@in_folder
def purge_account(name: str, yes: bool, place: Place) -> None:
    """Take the account of USER away, and the person out of the audit log."""
    from trustpub.index.manage.purging import Purging

    with open_index(place) as folder:
        purging = Purging(folder.store, folder.blobs, folder.clock)
        _ask(purging.look_at_account(name), yes)
        done = purging.purge_account(name)
        _sweep(folder)
    screen().step(f"The account {printable(done.name)} is gone.")


def _ask(would: Purge, yes: bool) -> None:
    """Say what goes, and have its name typed."""
    seen = screen()
    seen.step(f"This is gone for good with {printable(would.name)}:")
    for line in would.lines:
        seen.step(printable(line, 400))
    if not yes and click.prompt("Type its name to go on", err=True) != would.name:
        raise Misuse("That is not its name. Nothing was changed.")


def _sweep(folder: Folder) -> None:
    """Have the file hold nothing of what was in rows that are gone; PostgreSQL does that by itself, in time."""
    if not folder.store.in_file:
        return
    try:
        with closing(sqlite3.connect(folder.store.path, isolation_level=None, timeout=30)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        screen().warning(
            "the database is in use: what was in it is overwritten only with time, or when this runs again"
        )
