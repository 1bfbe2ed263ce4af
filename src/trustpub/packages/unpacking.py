# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Reading what is packed, without being buried by what comes out."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FREE_BYTES = 64 * 1024 * 1024
RATIO = 50
"""An archive may unpack to ``FREE_BYTES`` whatever its size, and beyond that to ``RATIO`` times its size.

The bounds are PyPI's. Without the first a small file of zeros would be a bomb, without the second a large and honest
archive would be one. Whoever reads more than :func:`allowance` gives is the one who pays for the bomb.
"""


class TooMuch(ValueError):
    """More came out of an archive than its size can honestly hold."""


def allowance(packed: int) -> int:
    """How many bytes an archive of ``packed`` bytes may unpack to."""
    return max(FREE_BYTES, RATIO * packed)


def size_of(file: IO[bytes]) -> int:
    """How many bytes a seekable file has; it is at its beginning after this."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


class BoundedGzip(io.RawIOBase):
    """What a gzip file unpacks to, until it is more than ``limit`` bytes.

    Reading raises:
        TooMuch: the limit is passed.
        gzip.BadGzipFile, EOFError, zlib.error: it is not a whole gzip file.
    """

    def __init__(self, packed: IO[bytes], limit: int) -> None:
        super().__init__()
        self._gzip = gzip.GzipFile(fileobj=packed, mode="rb")
        self._left = limit

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """The next bytes; raises as the class says."""
        view = memoryview(buffer).cast("B")
        chunk = self._gzip.read(len(view))
        self._left -= len(chunk)
        if self._left < 0:
            raise TooMuch("it unpacks to more than its size allows")
        view[: len(chunk)] = chunk
        return len(chunk)


GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
"""What reading a damaged gzip file raises."""
