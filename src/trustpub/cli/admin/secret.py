# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin rotate-secret``: another secret for the index."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from trustpub.cli.admin.folder import in_folder, moment, open_index
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.configuration.whole import Place

_DAYS = 7


@click.command("rotate-secret")
@click.option("--drain", is_flag=True, help="Let tokens from before live on until they expire.")
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    metavar="DAYS",
    help=f"With --drain: for how long at most, also of tokens that never expire.  [default: {_DAYS}]",
)
@in_folder
def rotate_secret(drain: bool, days: int | None, place: Place) -> None:
    """Replace the secret that tokens are signed with, also while the index is served.

    Every token that was given out is good for nothing from then on, unless --drain lets it live on. Second factors are
    sealed again; sessions stay. If the secret may have been seen by others, do not drain.
    """
    from trustpub.index.adapters.rotating import rotate

    if days is not None and not drain:
        raise Misuse("--days goes with --drain only.")
    with open_index(place) as folder:
        done = rotate(folder.store, folder.secret_path, time.time, drain_days=(days or _DAYS) if drain else None)
    seen = screen()
    seen.step(f"The secret at {printable(str(folder.secret_path))} is another one now: key id {done.key_id}.")
    if done.sealed:
        seen.step(f"{done.sealed} second factor(s) were sealed again.")
    if done.until is None:
        seen.warning(
            f"every token from before is void; {done.ended} that were still in their time were ended. Give people new "
            "ones: trustpub admin token create"
        )
    else:
        seen.step(f"Tokens from before are good in their own time, but not after {moment(done.until)}.")
        if done.ended:
            seen.warning(f"{done.ended} token(s) of the secret before that one were ended: only one drains at a time")
    seen.step("Keep a copy of the new secret where you keep that of the old one.")
