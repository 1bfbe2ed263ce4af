# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which files the processes at one folder hold just now, so that none of them takes away what another has just kept.

A file is held by a lock on one byte of a file that is always empty; which byte, its digest and name say. Such locks end
with the process that has them. They are of the process, so that it counts by itself how many of its threads hold one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

NAME = "holds"
"""The file in the index's folder."""


class Holds:
    """Of the processes at the folder ``folder``. To be made once in each: another would end the locks of the first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._descriptor = -1

    def begin(self) -> None:
        """Open what the locks are on, before the first of them."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, blake2b_256: str, filename: str) -> None:
        """Hold it, beside others who do; waits for one who is about to take it away. One thread at a time."""
        self.begin()
        fcntl.lockf(self._descriptor, fcntl.LOCK_SH, 1, _byte(blake2b_256, filename))

    def take_alone(self, blake2b_256: str, filename: str) -> bool:
        """Have everybody else wait who wants to hold it. False if another holds it already: then it is for that one."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(blake2b_256, filename))
        except OSError:
            return False
        return True

    def let_go(self, blake2b_256: str, filename: str) -> None:
        """Hold it no more."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _byte(blake2b_256, filename))

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _byte(blake2b_256: str, filename: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{blake2b_256}/{filename}".encode()).digest()[:7])
