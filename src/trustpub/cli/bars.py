# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Bars on a terminal: one for each file that is on its way, and a line for the whole release."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from trustpub.cli.show import Screen

if TYPE_CHECKING:
    from trustpub.client.files import Distribution
    from trustpub.client.report import Ledger

WIDTH = 24
"""Characters of a bar."""
SECONDS = 0.1
"""Between two pictures."""
_UNITS = ("B", "kB", "MB", "GB")


class Bars:
    """A :class:`trustpub.client.publish.Movement` that draws. Where nothing may move, it draws nothing."""

    def __init__(self, screen: Screen, ledger: Ledger, steady: Callable[[], float] = time.monotonic) -> None:
        """``steady``: seconds since anything."""
        self._screen = screen
        self._ledger = ledger
        self._steady = steady
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}
        self._lines = 0
        self._drawn = float("-inf")
        self._on = screen.moves

    def __enter__(self) -> Bars:
        if self._on:
            self._screen.move(self)
        return self

    def __exit__(self, *end: object) -> None:
        if self._on:
            self._screen.move(None)

    def sent(self, distribution: Distribution, taken: int) -> None:
        """So many bytes of the file are on their way."""
        if self._on:
            with self._lock:
                self._taken[distribution.filename] = taken

    def tick(self) -> None:
        """Draw, if it is time."""
        if self._on and self._steady() - self._drawn >= SECONDS:
            self._drawn = self._steady()
            self._screen.draw(self._picture())

    def erase(self) -> str:
        """What takes the bars off the screen."""
        lines, self._lines = self._lines, 0
        return f"\x1b[{lines}A\r\x1b[J" if lines else ""

    def _picture(self) -> str:
        from trustpub.client.report import ON_THE_INDEX, State

        rows = self._ledger.rows
        with self._lock:
            taken = dict(self._taken)
        room = max(self._screen.columns - 1, 20)
        lines = [
            bar(row.distribution.filename, taken.get(row.distribution.filename, 0), row.distribution.size, room)
            for row in rows
            if row.state is State.SENDING
        ]
        if not lines:
            return ""
        up = sum(row.state in ON_THE_INDEX for row in rows)
        size = sum(row.distribution.size for row in rows)
        there = sum(row.distribution.size for row in rows if row.state in ON_THE_INDEX)
        there += sum(taken.get(row.distribution.filename, 0) for row in rows if row.state is State.SENDING)
        lines.append(f"  {up} of {len(rows)} files, {amount(there)} of {amount(size)}"[:room])
        self._lines = len(lines)
        return "".join(line + "\n" for line in lines)


def bar(name: str, taken: int, size: int, room: int) -> str:
    """One line of at most ``room`` characters: ``name [####    ]  50%``."""
    share = min(taken / size, 1.0) if size else 1.0
    drawn = f"[{'#' * int(share * WIDTH):<{WIDTH}}] {int(share * 100):3d}%"
    space = room - len(drawn) - 3
    shown = name if len(name) <= space else name[: max(space - 1, 0)] + "…"
    return f"  {shown:<{max(space, 0)}} {drawn}"[:room]


def amount(size: int) -> str:
    """``size`` bytes, for people: ``1.5 MB``."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} B"
