# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The strip of releases as a drawing: where each shape lies, and in which colour.

The drawing is for those who see it at a glance. Every block has its publisher's letter on it, and a table beside it
says all of it in words. Colours of neighbours differ in lightness, so that they stay apart without any hue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustpub.index.browse.origins import UNKNOWN
from trustpub.index.browse.strip import Mark, Source, Strip

MAX_MARKS = 60
"""Releases that are drawn: the last ones."""

COLOURS = (
    ("#192f74", "#ffffff"),
    ("#f6df83", "#000000"),
    ("#027571", "#ffffff"),
    ("#e7a3b7", "#000000"),
    ("#883119", "#ffffff"),
    ("#91d2ee", "#000000"),
    ("#6b8c34", "#000000"),
    ("#d3903e", "#000000"),
)
"""Of publishers: a block, and the letter on it. No two are of the same lightness; from the ninth on they come again,
with other letters."""
TOKEN_COLOUR = ("#c8c8c8", "#000000")
UNKNOWN_COLOUR = ("#ffffff", "#000000")

_WIDTH, _GAP, _HEIGHT = 60, 4, 40
_TOP = 20
"""Above the blocks: room for the sign of a change."""
_BELOW = 18
"""Below them: the version."""
_MAX_VERSION = 9
_MAX_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A block, or a part of one where several published the release."""

    x: float
    width: float
    middle: float
    fill: str
    ink: str
    letter: str
    dashed: bool
    """It came with no publisher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A release."""

    mark: Mark
    middle: float
    parts: Sequence[Part]
    version: str
    """Cut to what fits below."""
    changed: bool
    attested: bool
    x: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """All of it. Numbers are units of the drawing's own view box."""

    width: int
    height: int
    top: int
    block_height: int
    block_width: int
    blocks: Sequence[Block]
    left_out: int
    """Earlier releases, which are not drawn."""
    keys: Sequence[tuple[Source, Part]]
    """The legend: who is meant, and a block as theirs are."""
    described: str
    """What the drawing shows, in a sentence."""


def draw(strip: Strip) -> Drawing:
    """The last releases of ``strip``."""
    marks = strip.marks[-MAX_MARKS:]
    blocks = [_block(number, mark) for number, mark in enumerate(marks)]
    names = [f"{one.letter} is {one.origin.label} ({_releases(one.releases)})" for one in strip.sources]
    return Drawing(
        width=max(1, len(marks)) * (_WIDTH + _GAP) - _GAP + 4,
        height=_TOP + _HEIGHT + _BELOW,
        top=_TOP,
        block_height=_HEIGHT,
        block_width=_WIDTH,
        blocks=blocks,
        left_out=len(strip.marks) - len(marks),
        keys=[(one, _part(one, 2, 30)) for one in strip.sources],
        described=f"{_releases(len(marks))} in the order in which they came, by who published them: "
        f"{'; '.join(names)}.",
    )


def _releases(count: int) -> str:
    return "1 release" if count == 1 else f"{count} releases"


def _block(number: int, mark: Mark) -> Block:
    x = 2 + number * (_WIDTH + _GAP)
    sources = mark.sources[:_MAX_PARTS]
    width = _WIDTH / len(sources)
    version = mark.version if len(mark.version) <= _MAX_VERSION else mark.version[: _MAX_VERSION - 1] + "…"
    return Block(
        mark=mark,
        x=x,
        middle=x + _WIDTH / 2,
        parts=[_part(one, x + place * width, width) for place, one in enumerate(sources)],
        version=version,
        changed=any(one.grave for one in mark.changes),
        attested=mark.attested == mark.files,
    )


def _part(source: Source, x: float, width: float) -> Part:
    fill, ink = colour(source)
    return Part(
        x=round(x, 2),
        width=round(width, 2),
        middle=round(x + width / 2, 2),
        fill=fill,
        ink=ink,
        letter=source.letter,
        dashed=not source.origin.trusted,
    )


def colour(source: Source) -> tuple[str, str]:
    """Of the block, and of what stands on it."""
    if source.origin.trusted:
        return COLOURS[source.number % len(COLOURS)]
    return UNKNOWN_COLOUR if source.origin.key == UNKNOWN else TOKEN_COLOUR
