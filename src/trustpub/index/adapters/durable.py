# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What outlasts a power cut: bytes once their file is synced, a name once the folder that holds it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from trustpub.index.ports import NoRoom

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room() -> Iterator[None]:
    """What the system says of a full disk, or a quota that is used up, becomes an error with a sentence.

    Raises:
        NoRoom: instead of OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom("The disk that holds the index's files is full.") from error
        raise


def sync(path: Path) -> None:
    """Make what a file holds durable, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """A new file, durable but for its name. It is gone again where it could not be written whole."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class Branches:
    """Folders below ``top`` that are made when they are needed. Safe to use from any thread.

    That a folder is there does not mean that its name is durable: another thread, or a run that was cut short, may
    have made it just now. So each is synced by everybody who needs it, until one of them is known to have done it.
    """

    def __init__(self, top: Path, *, alone: bool = True) -> None:
        """``alone``: no other process makes folders there. Else none of them is ever known to be durable."""
        self._top = top
        self._alone = alone
        self._lock = Lock()
        # How often a folder was made by this object, and which of these was made durable.
        self._made: dict[Path, int] = {}
        self._durable: dict[Path, int] = {}

    def make(self, wanted: Path) -> Sequence[tuple[Path, int]]:
        """Make ``wanted`` and what is above it, where it is missing. Returns what :meth:`sync` is to make durable."""
        chain = [wanted]
        while chain[-1].parent != self._top:
            chain.append(chain[-1].parent)
        open_ones = []
        with self._lock:
            for folder in reversed(chain):
                try:
                    folder.mkdir()
                except FileExistsError:
                    pass
                else:
                    self._made[folder] = self._made.get(folder, 0) + 1
                made = self._made.get(folder, 0)
                if self._durable.get(folder) != made:
                    open_ones.append((folder, made))
            # Many, and each used once: not remembered.
            self._made.pop(wanted, None)
        return open_ones

    def sync(self, open_ones: Sequence[tuple[Path, int]]) -> None:
        """Make the names of these folders durable."""
        for folder, made in open_ones:
            sync(folder.parent)
            if not self._alone or len(folder.relative_to(self._top).parts) > 2:
                continue
            with self._lock:
                # Unless it was removed and made again meanwhile, by a thread whose sync is still to come.
                if self._made.get(folder, 0) == made:
                    self._durable[folder] = made
