# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of a transparency log (RFC 6962 section 2.1), in memory."""

from __future__ import annotations

import hashlib


def leaf_hash(entry: bytes) -> bytes:
    """Of an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Entries that are only ever added. Not to be shared by threads without a lock."""

    def __init__(self) -> None:
        """An empty one."""
        # By height, the hashes of all complete subtrees from left to right; at height 0 those of the leaves.
        self._rows: list[list[bytes]] = [[]]

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._rows[0])

    def add(self, entry: bytes) -> int:
        """Put ``entry`` at the end. Returns its index."""
        index, hashed, height = self.size, leaf_hash(entry), 0
        while True:
            if height == len(self._rows):
                self._rows.append([])
            row = self._rows[height]
            row.append(hashed)
            if len(row) % 2:
                return index
            hashed, height = _node_hash(row[-2], row[-1]), height + 1

    def root(self) -> bytes:
        """The hash of the whole tree."""
        return self._hash(0, self.size) if self.size else hashlib.sha256(b"").digest()

    def inclusion(self, index: int) -> list[bytes]:
        """The audit path of an entry in the tree as it is now, from the leaf up (section 2.1.1)."""
        path: list[bytes] = []
        begin, end = 0, self.size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin = middle
        return path[::-1]

    def _hash(self, begin: int, end: int) -> bytes:
        """Of the entries from ``begin`` up to ``end``, a range that splitting by :func:`_split` comes to."""
        size = end - begin
        height = size.bit_length() - 1
        if size == 1 << height:
            return self._rows[height][begin >> height]
        middle = begin + _split(size)
        return _node_hash(self._hash(begin, middle), self._hash(middle, end))


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
