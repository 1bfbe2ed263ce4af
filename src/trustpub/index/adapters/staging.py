# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files on their way in: always in the index's folder, wherever they are kept afterwards.

An archive is judged before it is published, for which it is read here and there; that is done on a disk of our own.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from trustpub.index.adapters import durable
from trustpub.index.ports import NoRoom

STAGING = "staging"
LOW_BYTES = 32 * 1024 * 1024
"""Less room than this is told before uploads fail for want of it."""


class StagedFile:
    """The part of :class:`trustpub.index.ports.Staged` that is the same wherever files are kept."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        with durable.room():
            while rest:  # unbuffered: one write may take a part only
                rest = rest[self._file.write(rest) :]

    def path(self) -> str:
        return str(self._path)

    def finish(self) -> None:
        with durable.room():
            os.fsync(self._file.fileno())
            self._file.close()


@contextmanager
def new_file(staging: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file with a name that no other has, open for writing and unbuffered; gone when the block ends.

    Raises:
        NoRoom: for it.
    """
    path = staging / f"{os.getpid()}-{secrets.token_hex(16)}"
    with durable.room():
        file = path.open("xb", buffering=0)
    try:
        with file:
            yield path, file
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def make(folder: Path, *names: str) -> None:
    """Folders of these names in ``folder``, where they are missing; durably."""
    for name in names:
        with suppress(FileExistsError):
            (folder / name).mkdir()
            durable.sync(folder)


def fault(staging: Path) -> str | None:
    """Why no file could come in now, by trying, as a sentence; None if one could."""
    try:
        found = os.statvfs(staging)
        with new_file(staging) as (_, file), durable.room():
            file.write(b"?")
    except NoRoom as full:
        return full.message
    except OSError as error:
        return f"The folder of files cannot be written to: {error.strerror}."
    if found.f_blocks and found.f_bavail * found.f_frsize < LOW_BYTES:
        return f"The disk that holds the index's files is nearly full: less than {LOW_BYTES >> 20} MiB are free."
    return None


def clear(folder: Path, pid: int | None = None) -> int:
    """Remove what was on its way in when an earlier server ended; under the lock. How many files that were.

    With ``pid``, what that process left, which has ended, while others go on.

    It needs no database, which cannot be opened where leftovers fill the disk.
    """
    staging = folder / STAGING
    begin = "" if pid is None else f"{pid}-"
    return sum(unlink(staging / name) for name in listed(str(staging)) if name.startswith(begin))


def listed(folder: str) -> list[str]:
    """Names in the folder; none if it is not there."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def unlink(path: Path) -> bool:
    """Remove a file; a folder, which is not of our making, stays."""
    try:
        path.unlink()
    except (IsADirectoryError, PermissionError):
        return False
    return True
