# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A connection before anybody speaks HTTP on it, how long to wait for the other side, and how much to take from it."""

from __future__ import annotations

import time
from typing import Protocol


class Stream(Protocol):
    """What a connected socket offers, with or without TLS."""

    def recv(self, size: int, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""

    def sendall(self, content: bytes, /) -> None:
        """Send everything."""

    def settimeout(self, seconds: float, /) -> None:
        """How long a call may take; 0: raise at once instead of waiting."""

    def close(self) -> None:
        """Let go of it."""


class TooLarge(Exception):
    """An answer with more bytes than are read."""


class Patience:
    """How long to wait: for each sign of the other side, and, where there is a limit to that, in all."""

    __slots__ = ("_silent", "_until")

    def __init__(self, silent: float, until: float | None = None) -> None:
        """``silent``: seconds. ``until``: on the monotonic clock."""
        self._silent = silent
        self._until = until

    def left(self, at_most: float | None = None) -> float:
        """Seconds that the next step may take, and no more than ``at_most``.

        Raises:
            TimeoutError: none are left.
        """
        seconds = self._silent if at_most is None else min(self._silent, at_most)
        if self._until is None:
            return seconds
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        return min(seconds, left)
