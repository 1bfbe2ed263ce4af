# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin move-files``: the files of an index from its folder into a bucket, or back."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import click

from trustpub.cli.admin.folder import in_folder
from trustpub.cli.admin.pace import now_and_then
from trustpub.cli.show import screen
from trustpub.errors import Declined, Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.bootstrap.folder import Folder
    from trustpub.index.configuration.whole import Place
    from trustpub.index.ports import Blobs
    from trustpub.index.settings import ObjectStorage

_LIST = "moving"
"""The list of what is at the new place, in the index's folder."""


@click.command("move-files")
@click.option("--to", "to", type=click.Choice(["s3", "folder"]), required=True, help="Where they shall be.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@in_folder
def move_files(place: Place, to: str, as_json: bool) -> None:
    """Copy all files into the bucket of [s3], or back into the folder, and keep them there from then on.

    May run beside the server, and then copies what there is; stop the server and run it again to switch over, which
    takes no longer than what came meanwhile. Every file is hashed. Nothing is removed from where the files were.
    """
    from trustpub.index.adapters.lock import FolderLock, is_held
    from trustpub.index.adapters.moving import Moved, Seen, copy, settle
    from trustpub.index.bootstrap.opening import open_folder
    from trustpub.index.ports import IN_FOLDER, PLACE

    if place.s3 is None:
        raise Misuse("It is not said which bucket is meant.", hint="Give the section [s3] with --config FILE.")
    seen, moved = screen(), Moved()
    seen.aside = as_json
    opened = open_folder(
        place.data,
        create=False,
        secret_file=place.secret_file,
        clock=time.time,
        env=os.environ,
        postgres=place.postgres,
        moving=True,
    )
    with opened as folder:
        with folder.store.read() as reading:
            now = reading.fact(PLACE) or IN_FOLDER
        if now == to:
            seen.step("The files are there already.")
            return
        source, target, name = _places(folder, place.s3, to)
        known = Seen(place.data / _LIST, name)
        say = now_and_then(seen)

        def told(moved: Moved, count: int) -> None:
            say(f"{moved.files} of {count} file(s), {moved.bytes} bytes")

        if is_held(place.data):
            copy(folder.store, source, target, known, moved, told)
            raise Declined(
                f"{moved.files} file(s) of {moved.bytes} bytes are copied. The index is at work, and nothing was "
                "switched over.",
                hint="Stop the server, and do this again: then only what came since is copied.",
            )
        with FolderLock(place.data):
            copy(folder.store, source, target, known, moved, told)
            settle(folder.store, time.time, to, moved)
            known.end()
    if as_json:
        seen.result(json.dumps({"to": to, "files": moved.files, "bytes": moved.bytes, "copied": moved.copied}))
    seen.step(
        f"{moved.files} file(s) of {moved.bytes} bytes are in {printable(name, 300)}; {moved.copied} were copied."
    )
    start = "Start the server with [s3]." if to == "s3" else "Start the server without [s3]."
    seen.step(f"{start} What is at the old place is not needed any more, and was left there.")


def _places(folder: Folder, s3: ObjectStorage, to: str) -> tuple[Blobs, Blobs, str]:
    """From where, to where, and what the latter is called."""
    from trustpub.index.bootstrap.blobs import open_blobs, open_bucket, take_bucket

    here, there = open_blobs(folder.path, None), open_bucket(folder.path, s3)
    # Marked already by a run that was cut short, or to be marked; on the way back it must be.
    take_bucket(there, folder.audience, fresh=to == "s3")
    return (here, there, str(there.bucket)) if to == "s3" else (there, here, str(folder.path))
