# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an administrator can stop, for a while, without undoing anything: lasting facts of the index.

Each fact holds why, which is told to those who meet it; empty: it is not stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.errors import Unreachable
from trustpub.index.ports import Reading
from trustpub.protocol.exchange import Problem
from trustpub.trust.issuers import PROVIDERS

READ_ONLY = "read-only"
"""The fact: nothing is uploaded, and nothing is minted."""
STOP_MINTING = "stop-minting:"
"""With a kind of provider: the fact that no token is minted for its publishers."""
MAINTENANCE = "maintenance"
"""What a switch holds when nobody gave a reason."""


def read_only(reading: Reading) -> str | None:
    """Why the index takes nothing now; None: it does."""
    return reading.fact(READ_ONLY) or None


def minting_stopped(reading: Reading, kind: str) -> str | None:
    """Why nothing is minted for publishers of this kind now; None: it is. Of a read-only index, that it is one."""
    return read_only(reading) or reading.fact(STOP_MINTING + kind) or None


def stopped(reading: Reading) -> Sequence[tuple[str, str]]:
    """Kinds of provider for which nothing is minted, with why, in the order of the table of providers."""
    found = ((kind, reading.fact(STOP_MINTING + kind)) for kind in PROVIDERS)
    return [(kind, why) for kind, why in found if why]


class ReadOnly(Unreachable):
    """The index takes no changes now."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The index is read-only for now: {why}", hint="Try again later. Nothing was changed.")


def no_mint(reading: Reading, kind: str) -> Problem | None:
    """The answer to an identity of this kind for which nothing is minted now; None: it may go on."""
    if (why := read_only(reading)) is not None:
        return _read_only(why, "Token request failed")
    if (why := reading.fact(STOP_MINTING + kind)) is None or not why:
        return None
    detail = f"no tokens are minted here for {PROVIDERS[kind].title} for now: {why}"
    return Problem(status=403, code="minting-stopped", title="Token request failed", detail=detail)


def no_upload(reading: Reading) -> Problem | None:
    """The answer to an upload while nothing is taken; None: it may go on."""
    why = read_only(reading)
    return None if why is None else _read_only(why, "Upload refused")


def _read_only(why: str, title: str) -> Problem:
    return Problem(status=503, code="read-only", title=title, detail=f"the index is read-only for now: {why}")
