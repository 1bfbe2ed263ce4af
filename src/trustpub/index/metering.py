# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is counted of an index at work: the port, and the one that counts nothing."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Counts what happens. Any thread may tell it; it takes microseconds, waits for nobody and never raises.

    Nothing that is told names a person, a project, an address or a token: only kinds of things, of which there are few.
    """

    def minted(self, provider: str, outcome: str) -> None:
        """A mint was answered.

        ``provider``: the kind of the issuer that the identity token names, empty where it names none that is
        registered. ``outcome``: ``minted``, or the code of the problem.
        """

    def burned(self) -> None:
        """A token was given back."""

    def queued(self, seconds: float) -> None:
        """A mint waited so long for the round before it to end."""

    def stored(self, kind: str, seconds: float) -> None:
        """A transaction took so long: a ``read`` to begin, a ``write`` to be durable."""

    def asked_keys(self, provider: str, *, answered: bool) -> None:
        """An issuer was asked for its keys."""


class Unmetered:
    """:class:`Meter` where nobody looks."""

    def minted(self, provider: str, outcome: str) -> None:
        """Nothing."""

    def burned(self) -> None:
        """Nothing."""

    def queued(self, seconds: float) -> None:
        """Nothing."""

    def stored(self, kind: str, seconds: float) -> None:
        """Nothing."""

    def asked_keys(self, provider: str, *, answered: bool) -> None:
        """Nothing."""


UNMETERED = Unmetered()
