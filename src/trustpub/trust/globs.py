# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Patterns for refs: ``*`` stands for anything but a slash, everything else for itself. There is nothing more to them.

No regular expressions: half-anchored ones have let strangers in elsewhere, and some take forever.
"""

from __future__ import annotations

MAX_PATTERN = 255


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` is what ``pattern`` describes, case and all.

    Takes time proportional to the product of the two lengths at worst, whatever the pattern.
    """
    pieces, parts = pattern.split("/"), text.split("/")
    return len(pieces) == len(parts) and all(map(_piece_matches, pieces, parts))


def _piece_matches(piece: str, part: str) -> bool:
    head, *rest = piece.split("*")
    if not rest:
        return piece == part
    if not part.startswith(head):
        return False
    at = len(head)
    # Each literal in its first place: what stands left of it is the star's, so an earlier place never hurts.
    for literal in rest[:-1]:
        found = part.find(literal, at)
        if found < 0:
            return False
        at = found + len(literal)
    return len(part) - at >= len(rest[-1]) and part.endswith(rest[-1])
