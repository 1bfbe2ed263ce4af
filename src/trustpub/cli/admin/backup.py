# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin backup`` and ``restore``: a copy of an index that is whole, and an index from it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trustpub import __version__
from trustpub.cli.admin.folder import in_folder, open_index
from trustpub.cli.show import screen
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.configuration.whole import Place


@click.command("backup")
@click.argument("to", metavar="FOLDER|FILE.tar", type=click.Path(path_type=Path))
@click.option("--with-secret", is_flag=True, help="Also the secret, with which anybody can make tokens.")
@click.option("--copy", is_flag=True, help="Copy files, also where hard links would do.")
@in_folder
def backup(to: Path, with_secret: bool, copy: bool, place: Place) -> None:
    """Copy the whole index to FOLDER, or into one FILE.tar, also while it is served.

    In a FOLDER on the same file system files are hard links: they take no room, and are no protection if the disk
    fails. Nothing that exists is written over.
    """
    from trustpub.index.adapters.backup import back_up

    seen = screen()
    to = Path(os.path.abspath(to))
    with open_index(place) as folder:
        said = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"), "trustpub": __version__,
            "public_url": folder.public_url, "audience": folder.audience,
        }  # fmt: skip
        secret = folder.read_secret() if with_secret else None
        done = back_up(folder.store, folder.blobs, to, data=folder.path, said=said, secret=secret, link=not copy)
    linked = f", {done.linked} of them hard links" if done.linked else ""
    seen.step(f"{done.files} file(s) of {done.bytes} bytes{linked}, and the database: {printable(str(to))}")
    if with_secret:
        seen.warning("the server's secret is in it: whoever reads it can make tokens")
    else:
        seen.step("The server's secret is not in it. Keep a copy of that elsewhere: without it, every token is void.")


@click.command("restore")
@click.argument("backup_path", metavar="BACKUP", type=click.Path(path_type=Path))
@in_folder
def restore(backup_path: Path, place: Place) -> None:
    """Make an index in a new folder from BACKUP, after every file in it was hashed."""
    from trustpub.index.adapters.restore import restore as revive

    seen = screen()
    data = Path(os.path.abspath(place.data))
    done = revive(backup_path, data, secret_file=place.secret_file, clock=time.time)
    seen.step(f"{done.files} file(s) of {done.bytes} bytes, as of {printable(done.made, 100)}: {printable(str(data))}")
    if done.new_secret:
        seen.step(f"A new secret was made: {printable(str(done.secret_path))}")
        seen.warning(
            f"every token that was given out before is void; {done.tokens_ended} that were still in their time were "
            "ended. Give people new ones: trustpub admin token create"
        )
    else:
        seen.warning(
            "what was taken away since then is back: look at tokens, publishers and members, and take it away again"
        )
