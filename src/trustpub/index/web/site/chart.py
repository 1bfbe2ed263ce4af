# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Mints by day, to be drawn: everything is worked out here, so that the template only writes it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustpub.index.browse.counts import Day

BAR, GAP, HEIGHT, LEFT, TOP = 14, 8, 140, 44, 10
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One part of a day's column."""

    kind: str
    """``minted``, ``refused`` or ``disbelieved``."""
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn."""

    days: Sequence[Day]
    bars: Sequence[Bar]
    labels: Sequence[tuple[float, str]]
    """Where a date stands, and which."""
    lines: Sequence[tuple[float, int]]
    """Where a line across stands, and for how many."""
    width: int
    height: int
    bar: int
    bottom: float
    left: int
    described: str
    """The same in a sentence."""


def chart(days: Sequence[Day]) -> Chart:
    """Two columns for each day: accepted, and beside it refused, what proved nothing on top."""
    most = max((max(one.minted, one.refused + one.disbelieved) for one in days), default=0)
    top = _round_up(max(most, 4))
    scale, bottom = HEIGHT / top, TOP + HEIGHT
    bars: list[Bar] = []
    labels: list[tuple[float, str]] = []
    for number, one in enumerate(days):
        x = LEFT + number * (BAR + GAP)
        heights = (one.minted * scale, one.refused * scale, one.disbelieved * scale)
        bars.append(Bar(kind="minted", x=x, y=bottom - heights[0], height=heights[0]))
        bars.append(Bar(kind="refused", x=x + BAR / 2, y=bottom - heights[1], height=heights[1]))
        bars.append(Bar(kind="disbelieved", x=x + BAR / 2, y=bottom - heights[1] - heights[2], height=heights[2]))
        if number % 7 == (len(days) - 1) % 7:
            labels.append((x + BAR / 2, one.day.strftime("%m-%d")))
    minted, refused = sum(one.minted for one in days), sum(one.refused + one.disbelieved for one in days)
    return Chart(
        days=days,
        bars=[one for one in bars if one.height > 0],
        labels=labels,
        lines=[(bottom - part * HEIGHT / 2, part * top // 2) for part in range(3)],
        width=LEFT + len(days) * (BAR + GAP) + GAP,
        height=TOP + HEIGHT + 24,
        bar=BAR // 2,
        bottom=bottom,
        left=LEFT,
        described=f"In {len(days)} days {minted} minted and {refused} refused; at most {most} on one day.",
    )


def _round_up(most: int) -> int:
    """The next even number that is easy to read."""
    unit = 1
    while True:
        for step in _STEPS:
            if (found := step * unit) >= most and found % 2 == 0:
                return found
        unit *= 10
