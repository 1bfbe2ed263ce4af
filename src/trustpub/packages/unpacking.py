# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Reading what is packed, without being buried by what comes out."""

from __future__ import annotations

import io
import zlib
from typing import IO

FREE_BYTES = 64 * 1024 * 1024
RATIO = 50
"""An archive may unpack to ``FREE_BYTES`` whatever its size, and beyond that to ``RATIO`` times its size.

The bounds are PyPI's. Without the first a small file of zeros would be a bomb, without the second a large and honest
archive would be one. Whoever reads more than :func:`allowance` gives is the one who pays for the bomb.
"""

_PACKED = 64 * 1024
_CHUNK = 256 * 1024


class TooMuch(ValueError):
    """More came out of an archive than its size can honestly hold. The message is the end of a sentence."""


class BadGzip(ValueError):
    """Not one whole gzip member and nothing else. The message is the end of a sentence."""


def allowance(packed: int) -> int:
    """How many bytes an archive of ``packed`` bytes may unpack to."""
    return max(FREE_BYTES, RATIO * packed)


def size_of(file: IO[bytes]) -> int:
    """How many bytes a seekable file has; it is at its beginning after this."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


class Gzip:
    """What a gzip file (RFC 1952) unpacks to, until it is more than ``limit`` bytes.

    One member, and not a byte behind it: there readers differ, some go on and some stop. Every method raises:
        TooMuch: the limit is passed.
        BadGzip: it is no such file.
    """

    def __init__(self, packed: IO[bytes], limit: int) -> None:
        self._packed = packed
        self._inflating = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._left = limit
        self._ready = b""
        self._at = 0

    def read(self, wanted: int) -> bytes:
        """So many bytes, or what is left of them."""
        pieces = []
        while wanted > 0 and (piece := self.some(wanted)):
            wanted -= len(piece)
            pieces.append(piece)
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]

    def skip(self, wanted: int) -> bool:
        """Pass over so many bytes. False if there were fewer."""
        while wanted > 0 and (piece := self.some(wanted)):
            wanted -= len(piece)
        return wanted <= 0

    def some(self, most: int) -> bytes:
        """At least one byte and at most ``most``; none at the end."""
        if self._at >= len(self._ready):
            self._ready, self._at = self._more(), 0
        piece = self._ready[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def _more(self) -> bytes:
        while not self._inflating.eof:
            packed = self._inflating.unconsumed_tail or self._packed.read(_PACKED)
            try:
                chunk = self._inflating.decompress(packed, _CHUNK)
            except zlib.error:
                raise BadGzip("is damaged, or no gzip file") from None
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuch("unpacks to more than its size allows")
            if chunk:
                return chunk
            if not packed and not self._inflating.eof:
                raise BadGzip("is cut short")
        if self._inflating.unused_data or self._packed.read(1):
            raise BadGzip("has bytes behind the end of its gzip data")
        return b""
