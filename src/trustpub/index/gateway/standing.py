# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an index is a gateway: a lasting fact, for the rows of its files mean something else then.

The fact ``gateway`` is the address of the index behind it. Where it is, rows say what was handed on there, and no bytes
of theirs are here.
"""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.errors import Declined, Misuse
from trustpub.index.kept import File
from trustpub.index.ports import Reading, Store
from trustpub.index.settings import Gateway

FACT = "gateway"


def upstream_of(reading: Reading) -> str | None:
    """Where the files are that this index has rows of; None: here."""
    return reading.fact(FACT) or None


def kept_here(reading: Reading) -> Iterator[File]:
    """The rows whose bytes are to be here: of a gateway none, else of all files that are not deleted."""
    if upstream_of(reading) is None:
        yield from (one for one in reading.all_files() if one.deleted is None)


def take_up(store: Store, gateway: Gateway | None) -> None:
    """Begin as what the settings say.

    Raises:
        Misuse: the index has files, and was not that when they came.
    """
    wanted = "" if gateway is None else gateway.upstream
    with store.read() as reading:
        before = reading.fact(FACT) or ""
        if before == wanted:
            return
        has_files = bool(before) != bool(wanted) and next(iter(reading.all_files()), None) is not None
    if has_files and wanted:
        raise Misuse(
            "This index keeps files itself, and cannot become a gateway: nobody could read them any more.",
            hint="Name a new folder for the gateway, and move the files to the index behind it.",
        )
    if has_files:
        raise Misuse(
            f"This index is a gateway to {before}, which has its files, and it was started without one.",
            hint=f'Start it with gateway.upstream = "{before}", or name a new folder.',
        )
    with store.write() as writing:
        if wanted:
            writing.set_fact(FACT, wanted)
        else:
            writing.remove_fact(FACT)


def only_there(reading: Reading, what: str) -> None:
    """
    Raises:
        Declined: this is a gateway, and ``what`` ("Files are yanked") is done at the index behind it.
    """
    upstream = upstream_of(reading)
    if upstream is not None:
        raise Declined(f"{what} where they are: at {upstream}, to which this index is a gateway.")
