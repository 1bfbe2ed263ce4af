# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin check-files``: whether every file is there, and is what it was."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING

import click

from trustpub.cli.admin.folder import in_folder, open_index
from trustpub.cli.show import screen
from trustpub.errors import Declined
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.adapters.checking import Wrong
    from trustpub.index.configuration.whole import Place
    from trustpub.index.ports import Store


@click.command("check-files")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@in_folder
def check_files(place: Place, as_json: bool) -> None:
    """Hash every file again, and show what is missing, damaged, or named by nothing. Ends with 1 if there is any.

    May run beside the server. It changes nothing.
    """
    from trustpub.index.adapters.checking import Checked, check
    from trustpub.index.adapters.lock import is_held

    seen = screen()
    seen.aside = as_json
    found, checked = [], Checked()
    with open_index(place) as folder:
        for wrong in check(folder.store, folder.blobs, time.time, checked, served=is_held(place.data)):
            found.append(wrong)
            if not as_json:
                seen.result(_line(wrong))
        behind, unsure = _gateway(folder.store)
    if as_json:
        told = {**dataclasses.asdict(checked), "wrong": [dataclasses.asdict(one) for one in found]}
        seen.result(json.dumps(told if behind is None else {**told, "gateway": behind, "unsure": unsure}))
    else:
        for name in unsure:
            seen.result(f"unsure  {printable(name, 400)}  It was handed on, and it is not known whether it was taken.")
    if checked.on_the_way:
        seen.detail(f"{checked.on_the_way} file(s) on their way in were passed over.")
    if found:
        raise Declined(
            f"{len(found)} thing(s) are not as they should be; {checked.files} file(s) were looked at.",
            hint="What is unknown goes at the next start, if it is where files are kept. What is missing or damaged "
            "must come from a backup, or be deleted from its project.",
        )
    if behind is not None:
        seen.step(f"This index is a gateway: its files are at {printable(behind, 200)}, and are not looked at here.")
        if unsure:
            seen.warning("What is unsure is found out when the same file is sent again.")
        return
    seen.step(f"{checked.files} file(s), {checked.bytes} bytes: all are there, and are what they were.")


def _gateway(store: Store) -> tuple[str | None, list[str]]:
    """The index behind a gateway, and the names of files of which it is not known what became of them there."""
    from trustpub.index.gateway.notes import read_all
    from trustpub.index.gateway.standing import upstream_of

    with store.read() as reading:
        return upstream_of(reading), [note.filename for note in read_all(reading)]


def _line(wrong: Wrong) -> str:
    return f"{wrong.kind}  {printable(wrong.path, 400)}  {wrong.detail}"
