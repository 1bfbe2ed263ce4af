# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which bytes of a file a ``Range`` header asks for (RFC 9110 section 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_RANGES = 16
"""In one header. Who asks for more gets the whole file: no installer does."""

_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def spans(header: bytes | None, size: int) -> Sequence[Span] | None:
    """The parts to send, in the order of the file and none twice; None where all of it is to be sent.

    That is so without a header, and with one that cannot be understood. No parts at all: what was asked for is beyond
    the end.
    """
    if header is None:
        return None
    unit, equals, listed = header.decode("latin-1").partition("=")
    asked = [one.strip() for one in listed.split(",")]
    if unit.strip().lower() != "bytes" or not equals or len(asked) > MAX_RANGES:
        return None
    found = []
    for one in asked:
        match = _RANGE.match(one)
        if match is None or one == "-" or (all(match.groups()) and int(match[2]) < int(match[1])):
            return None
        if (span := _span(match[1], match[2], size)) is not None:
            found.append(span)
    return _merged(found)


def _span(first: str, last: str, size: int) -> Span | None:
    if not first:  # the last so many
        return Span(first=max(0, size - int(last)), last=size - 1) if int(last) and size else None
    if int(first) >= size:
        return None
    return Span(first=int(first), last=min(int(last), size - 1) if last else size - 1)


def _merged(found: Sequence[Span]) -> list[Span]:
    """Sorted, and what overlaps or touches made one: no header makes an answer larger than the file."""
    merged: list[Span] = []
    for span in sorted(found, key=lambda span: span.first):
        if merged and span.first <= merged[-1].last + 1:
            merged[-1] = Span(first=merged[-1].first, last=max(merged[-1].last, span.last))
        else:
            merged.append(span)
    return merged
