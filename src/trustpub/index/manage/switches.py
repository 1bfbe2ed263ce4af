# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Stopping and going on: the whole index, or minting for one kind of provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trustpub.errors import Declined, Misuse
from trustpub.index import switches
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Store
from trustpub.index.switches import MAINTENANCE, READ_ONLY, STOP_MINTING
from trustpub.printable import printable, quoted
from trustpub.trust.issuers import PROVIDERS

MAX_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How the switches stand."""

    read_only: str | None
    """Why nothing is taken; None: it is."""
    minting: Mapping[str, str]
    """Kinds of provider for which nothing is minted, with why."""


class Switches:
    """Changes to them. Each leaves an event."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def stopped(self) -> Stopped:
        """How they stand."""
        with self._store.read() as reading:
            return Stopped(read_only=switches.read_only(reading), minting=dict(switches.stopped(reading)))

    def set_read_only(self, *, on: bool, reason: str = "") -> None:
        """Take no upload and mint nothing, or go on. ``reason`` is told to those who are turned away.

        Raises:
            Misuse: the reason is too long.
            Declined: that is so already.
        """
        self._set(READ_ONLY, on, reason, "read-only-started" if on else "read-only-ended", {})

    def stop_minting(self, kind: str, *, on: bool, reason: str = "") -> None:
        """Mint nothing for publishers of this kind, or go on. Tokens that were minted before live on.

        Raises:
            Misuse: there is no such kind, or the reason is too long.
            Declined: that is so already.
        """
        if kind not in PROVIDERS:
            raise Misuse(f"{quoted(kind)} is no kind of provider.", hint=f"Known: {', '.join(PROVIDERS)}.")
        self._set(STOP_MINTING + kind, on, reason, "minting-stopped" if on else "minting-resumed", {"kind": kind})

    def _set(self, fact: str, on: bool, reason: str, event: str, facts: Mapping[str, str]) -> None:
        said = printable(reason, MAX_REASON + 1) or MAINTENANCE
        if len(said) > MAX_REASON:
            raise Misuse(f"The reason is longer than {MAX_REASON} characters.")
        with self._store.write() as writing:
            before = writing.fact(fact) or ""
            if (before == said) if on else not before:
                raise Declined("That is so already.")
            writing.set_fact(fact, said if on else "")
            note(writing, self._clock(), event, facts={**facts, "reason": said} if on else facts)
