# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The files of an index, from where they are kept to where they shall be.

Files never change, so most can be copied while the index is at work. What came meanwhile is copied once it is not, and
then it is noted where they are. Nothing is taken away from where they were. A copy that was cut short is gone on with:
what an earlier one has seen to is in a list, and what else is at the new place already is read and hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trustpub.errors import Declined
from trustpub.index.kept import Event, File
from trustpub.index.ports import PLACE, Blobs, Clock, Store
from trustpub.printable import printable

_ROUNDS = 5


@dataclass(slots=True, kw_only=True)
class Moved:
    """What a move came to. Counts grow while it goes on."""

    files: int = 0
    """That are at the new place, and were hashed on their way or there."""
    bytes: int = 0
    """Of these."""
    copied: int = 0
    """Of the files, those that were not there before."""


class Seen:
    """Files that are known to be at the new place, also by an earlier run: a list in the index's folder."""

    def __init__(self, path: Path, target: str) -> None:
        """``target``: the new place; of another, nothing is known."""
        self._path = path
        self._first = f"{target}\n"
        self._keys: set[tuple[str, ...]] = set()
        try:
            first, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        except (FileNotFoundError, ValueError):
            first, lines = "", []
        if first == self._first:
            self._keys = {tuple(line.split()) for line in lines if line.endswith("\n")}
        with path.open("w", encoding="utf-8") as file:
            file.write(self._first)
            file.writelines(f"{' '.join(key)}\n" for key in sorted(self._keys))

    def __contains__(self, row: File) -> bool:
        return (row.blake2b_256, row.filename) in self._keys

    def add(self, row: File) -> None:
        """It is there."""
        self._keys.add((row.blake2b_256, row.filename))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{row.blake2b_256} {row.filename}\n")

    def end(self) -> None:
        """The list is not needed any more."""
        self._path.unlink(missing_ok=True)


def copy(
    store: Store, source: Blobs, target: Blobs, seen: Seen, moved: Moved, told: Callable[[Moved, int], None]
) -> None:
    """Copy every file that a row names; those that come meanwhile too, but for the last.

    ``told`` hears after each what was done, and of how many files.

    Raises:
        Declined: a file is not there, or is not what its row says, at either place.
        Unreachable, NoRoom: of the places.
    """
    for _ in range(_ROUNDS):
        with store.read() as reading:
            rows = [one for one in reading.all_files() if one.deleted is None]
        moved.files, moved.bytes = 0, 0
        left = []
        for row in rows:
            if row in seen:
                moved.files, moved.bytes = moved.files + 1, moved.bytes + row.size
            else:
                left.append(row)
        for row in left:
            if _copy(store, row, source, target, moved):
                seen.add(row)
            told(moved, len(rows))
        if not left:
            return


def settle(store: Store, clock: Clock, place: str, moved: Moved) -> None:
    """Note that files are kept at ``place`` from now on. Only under the lock, after a :func:`copy` under it."""
    with store.write() as writing:
        writing.set_fact(PLACE, place)
        facts = {"to": place, "files": moved.files, "bytes": moved.bytes}
        writing.add_event(Event(at=clock(), kind="files-moved", project_id=None, publisher_id=None, facts=facts))


def _copy(store: Store, row: File, source: Blobs, target: Blobs, moved: Moved) -> bool:
    """False if the file was deleted meanwhile."""
    there = _digest(row, target)
    if there not in (None, row.sha256):
        raise _wrong(row, "is at the new place already, with another content")
    if there is None or _lacks_metadata(row, target):
        try:
            _send(row, source, target)
        except FileNotFoundError:
            if _is_named(store, row):  # else it was deleted meanwhile
                raise _wrong(row, "is not where it should be") from None
            return False
        moved.copied += 1
    moved.files += 1
    moved.bytes += row.size
    return True


def _digest(row: File, blobs: Blobs) -> str | None:
    digest = hashlib.sha256()
    try:
        for chunk in blobs.read(row.blake2b_256, row.filename):
            digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _lacks_metadata(row: File, target: Blobs) -> bool:
    if row.metadata_sha256 is None:
        return False
    found = target.metadata(row.blake2b_256, row.filename)
    if found is not None and hashlib.sha256(found).hexdigest() != row.metadata_sha256:
        raise _wrong(row, "has metadata at the new place that are not its own")
    return found is None


def _send(row: File, source: Blobs, target: Blobs) -> None:
    digest, size = hashlib.sha256(), 0
    metadata = None
    if row.metadata_sha256 is not None:
        metadata = source.metadata(row.blake2b_256, row.filename)
        if metadata is None:
            raise FileNotFoundError(row.filename)
        if hashlib.sha256(metadata).hexdigest() != row.metadata_sha256:
            raise _wrong(row, "has metadata that are not its own")
    with target.stage() as staged:
        for chunk in source.read(row.blake2b_256, row.filename):
            digest.update(chunk)
            size += len(chunk)
            staged.write(chunk)
        if (digest.hexdigest(), size) != (row.sha256, row.size):
            raise _wrong(row, "is not what its row says")
        staged.finish()
        staged.keep(row.blake2b_256, row.filename, metadata)


def _is_named(store: Store, row: File) -> bool:
    with store.read() as reading:
        now = reading.file(row.filename)
    return now is not None and now.deleted is None and now.blake2b_256 == row.blake2b_256


def _wrong(row: File, what: str) -> Declined:
    return Declined(
        f"The file {printable(row.filename, 200)} {what}. Nothing was switched over.",
        hint="See all that is wrong with: trustpub admin check-files",
    )
