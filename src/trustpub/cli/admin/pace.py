# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How far something long has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from trustpub.cli.bars import SECONDS, amount, bar
from trustpub.cli.show import Screen

LINE_SECONDS = 10.0
"""Between two lines, where nothing may move."""


def now_and_then(screen: Screen, steady: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """What says how far something has come that has no end to draw: a line, but none too soon after the last."""
    shown = steady()

    def say(line: str) -> None:
        nonlocal shown
        if steady() - shown >= LINE_SECONDS:
            shown = steady()
            screen.step(line)

    return say


class Pace:
    """A number of files, and the bytes in them. A context manager."""

    def __init__(self, screen: Screen, files: int, size: int, steady: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            screen: where it is shown.
            files: how many there are.
            size: of all of them, in bytes.
            steady: seconds since anything.
        """
        self._screen = screen
        self._files = files
        self._size = size
        self._steady = steady
        self._on = screen.moves
        self._ended = 0
        self._ended_bytes = 0
        self._moved = 0
        self._name = ""
        self._lines = 0
        self._shown = steady() if not self._on else float("-inf")

    def __enter__(self) -> Pace:
        if self._on:
            self._screen.move(self)
        return self

    def __exit__(self, *end: object) -> None:
        if self._on:
            self._screen.move(None)

    def begins(self, filename: str) -> None:
        """The next file; its name must be printable or is shown as if it were."""
        self._name = filename
        self._moved = 0
        self._tick()

    def moved(self, size: int) -> None:
        """So many bytes more of it."""
        self._moved += size
        self._tick()

    def ends(self, size: int) -> None:
        """It is done, and had so many bytes."""
        self._ended += 1
        self._ended_bytes += size
        self._moved = 0
        self._tick()

    def erase(self) -> str:
        """What takes the bar off the screen."""
        lines, self._lines = self._lines, 0
        return f"\x1b[{lines}A\r\x1b[J" if lines else ""

    def _tick(self) -> None:
        now = self._steady()
        if now - self._shown < (SECONDS if self._on else LINE_SECONDS):
            return
        self._shown = now
        done = min(self._ended_bytes + self._moved, self._size)
        said = f"{self._ended} of {self._files} files, {amount(done)} of {amount(self._size)}"
        if not self._on:
            self._screen.step(said)
            return
        room = max(self._screen.columns - 1, 20)
        # Where all files are empty, their number says how far it is.
        share = (done, self._size) if self._size else (self._ended, self._files)
        lines = [bar(_plain(self._name), *share, room), f"  {said}"[:room]]
        self._screen.draw("".join(line + "\n" for line in lines))
        self._lines = len(lines)


def _plain(name: str) -> str:
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in name)
