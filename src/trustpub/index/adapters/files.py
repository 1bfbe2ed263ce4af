# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The bytes of files, in a folder.

``packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{filename}``, and beside it ``{filename}.metadata`` where there is core metadata
to serve; what is on its way in lies in ``staging``. A file has its place, durably, before any row names it; what no row
names after a crash is swept away soon after the next start, while uploads go on: a start is not to take longer the more
files there are.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from trustpub.index.adapters import durable, staging
from trustpub.index.adapters.holds import Holds
from trustpub.index.adapters.staging import StagedFile, listed, unlink
from trustpub.index.ports import Lying, Staged, Store

METADATA = ".metadata"
ON_THE_WAY_SECONDS = 300
"""What a running server put into the folder so short a time ago may be about to get its row."""
TIDY_SECONDS = 24 * 3600
"""After which a server looks for leftovers again."""
_CHUNK = 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,239}\Z")
"""What a wheel or an sdist may be called; in particular no slash, no leading dot, and room for ``.metadata``."""
_PAIR, _REST = re.compile(r"[0-9a-f]{2}\Z"), re.compile(r"[0-9a-f]{60}\Z")
_TRIES = 3


class FolderBlobs:
    """:class:`trustpub.index.ports.Blobs` under ``folder``."""

    def __init__(self, folder: Path, *, alone: bool = True) -> None:
        """``alone``: no other process takes uploads for the same folder."""
        self._holds = None if alone else Holds(folder)
        self.packages = folder / "packages"
        """Where files have their lasting place."""
        self.staging = folder / staging.STAGING
        """Where they are on their way in."""
        staging.make(folder, self.packages.name, self.staging.name)
        self._branches = durable.Branches(self.packages, alone=alone)
        # Files that uploads under way have kept, or are about to. Whoever takes one away looks here first.
        self._held: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()
        self._tidied: float | None = None

    @contextmanager
    def stage(self) -> Iterator[Staged]:
        """A new file, gone when the block ends without ``keep``.

        Raises:
            NoRoom: for it, or in the block for what is written to it.
        """
        with staging.new_file(self.staging) as (path, file):
            staged = _StagedFile(path, file, self)
            try:
                yield staged
            finally:
                staged.let_go()

    def open(self, blake2b_256: str, filename: str) -> str | None:
        """The path of a kept file."""
        path = self.path(blake2b_256, filename)
        return str(path) if path is not None and path.is_file() else None

    @contextmanager
    def local(self, blake2b_256: str, filename: str) -> Iterator[str | None]:
        """The same path: it is on this machine."""
        yield self.open(blake2b_256, filename)

    def read(self, blake2b_256: str, filename: str) -> Iterator[bytes]:
        """The bytes of a kept file, a mebibyte at a time.

        Raises:
            FileNotFoundError: it is not there.
        """
        path = self.path(blake2b_256, filename)
        if path is None:
            raise FileNotFoundError(filename)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def metadata(self, blake2b_256: str, filename: str) -> bytes | None:
        """The core metadata beside it."""
        path = self.path(blake2b_256, filename)
        if path is None:
            return None
        try:
            return path.with_name(filename + METADATA).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, blake2b_256: str, filename: str) -> None:
        """The file and its metadata; nothing happens if they are not there."""
        path = self.path(blake2b_256, filename)
        if path is None:
            return
        for one in (path, path.with_name(filename + METADATA)):
            with suppress(FileNotFoundError):
                one.unlink()
        _prune(path.parent)

    def names(self) -> Iterator[tuple[str, str]]:
        """``(blake2b_256, filename)`` of every file kept."""
        for digest, _, found in self._kept():
            yield from ((digest, name) for name in found if not name.endswith(METADATA))

    def fault(self) -> str | None:
        """Why no file could be taken now, by trying."""
        return staging.fault(self.staging)

    def lying(self, *, served: bool) -> Iterator[Lying]:
        """Everything in the folder of files, and in that of those on their way in."""
        for path in _everything(self.packages):
            parts = path.relative_to(self.packages).parts
            name = path.name.removesuffix(METADATA)
            yield Lying(
                path=f"packages/{'/'.join(parts)}",
                blake2b_256="".join(parts[:-1]) if tuple(map(len, parts[:-1])) == (2, 2, 60) else "",
                filename=name,
                beside=path.name != name,
                # The time of its last move, not of its content: that may have been long on its way.
                excused_until=_changed(path) + ON_THE_WAY_SECONDS if served else 0,
            )
        for path in _everything(self.staging):
            excused = float("inf") if served else 0
            yield Lying(path=f"staging/{path.name}", blake2b_256="", filename="", beside=False, excused_until=excused)

    def is_there(self, lying: Lying) -> bool:
        """Whether it is still there."""
        return os.path.lexists(self.packages.with_name(lying.path.partition("/")[0]) / lying.path.partition("/")[2])

    def sweep(self, store: Store) -> int:
        """Remove what no row names: leftovers of a crash. Only while nothing is being uploaded, so under the lock."""
        return staging.clear(self.staging.parent) + self._sweep_packages(store)

    def tidy(self, store: Store, now: float) -> int:
        """The first time, so after a start, and then once a day: remove what no row names and no upload holds."""
        if self._tidied is not None and now - self._tidied < TIDY_SECONDS:
            return 0
        self._tidied = now
        return self._sweep_packages(store)

    def _sweep_packages(self, store: Store) -> int:
        removed = 0
        for pair in filter(_PAIR.match, listed(str(self.packages))):
            # Names of one part of the folder at a time: of all, they would not fit.
            with store.read() as reading:
                named = reading.kept_below(pair)
            for digest, folder, found in self._kept(pair):
                left = [name for name in found if (digest, name.removesuffix(METADATA)) not in named]
                for filename in sorted({name.removesuffix(METADATA) for name in left}):
                    removed += self._take_away(store, Path(folder), digest, filename)
                if left or not found:
                    _prune(Path(folder))
        return removed

    def _take_away(self, store: Store, folder: Path, digest: str, filename: str) -> bool:
        """A file of the folder and its metadata, unless an upload has come for it meanwhile. Whether anything went."""
        key = (digest, filename)
        with self._lock:  # who is about to keep it waits, and then puts it there again
            if key in self._held:
                return False
            if self._holds is not None:
                self._holds.begin()
            try:
                if self._holds is not None and not self._holds.take_alone(*key):
                    return False
                with store.read() as reading:
                    row = reading.file(filename)
                if row is not None and row.deleted is None and row.blake2b_256 == digest:
                    return False
                there = [one for one in (folder / filename, folder / (filename + METADATA)) if os.path.lexists(one)]
                return sum(unlink(one) for one in there) > 0
            finally:
                if self._holds is not None:
                    self._holds.let_go(*key)

    def path(self, blake2b_256: str, filename: str) -> Path | None:
        """The place of a file, be it there or not; None if these are no digest and no name of a distribution."""
        if not is_file_of(blake2b_256, filename):
            return None
        return self.packages / blake2b_256[:2] / blake2b_256[2:4] / blake2b_256[4:] / filename

    def place(self, staged: Path, blake2b_256: str, filename: str, metadata: bytes | None) -> None:
        """Move a finished file to its lasting place, durably, and hold it. Used by what :meth:`stage` gives.

        Raises:
            ValueError: the digest or the name is not one.
            NoRoom: for its metadata, or its folders; then it is as it was.
        """
        path = self.path(blake2b_256, filename)
        if path is None:
            raise ValueError("not a digest, or not the name of a distribution")
        with self._lock:
            self._held[blake2b_256, filename] += 1
            if self._holds is not None and self._held[blake2b_256, filename] == 1:
                self._holds.take(blake2b_256, filename)
        beside = staged.with_name(staged.name + METADATA)
        try:
            with durable.room():
                if metadata is not None:
                    durable.write(beside, metadata)
                for tried in range(_TRIES):
                    try:
                        self._move(staged, beside if metadata is not None else None, path)
                    except FileNotFoundError:
                        # Another process removed the last file beside it, and their folder with that.
                        if tried + 1 == _TRIES:
                            raise
                    else:
                        break
        except BaseException:
            beside.unlink(missing_ok=True)
            # Metadata without its file goes; a file that got so far may be another upload's as well, and stays.
            self.let_go(blake2b_256, filename, path.is_file)
            raise

    def let_go(self, blake2b_256: str, filename: str, named: Callable[[], bool] = lambda: True) -> None:
        """End a hold. Nobody else holding the file, and no row naming it, it is removed."""
        key = (blake2b_256, filename)
        with self._lock:
            self._held[key] -= 1
            if self._held[key] <= 0:
                del self._held[key]
                try:
                    if (self._holds is None or self._holds.take_alone(*key)) and not named():
                        self.remove(blake2b_256, filename)
                finally:
                    if self._holds is not None:
                        self._holds.let_go(*key)

    def _kept(self, *pairs: str) -> Iterator[tuple[str, str, list[str]]]:
        """Every folder of a digest, or of one that begins with these: the digest, the folder, and what is in it."""
        # Texts and not paths: all files of an index come by here.
        top = str(self.packages)
        for one in pairs or filter(_PAIR.match, listed(top)):
            for two in filter(_PAIR.match, listed(f"{top}/{one}")):
                for three in filter(_REST.match, listed(f"{top}/{one}/{two}")):
                    folder = f"{top}/{one}/{two}/{three}"
                    yield one + two + three, folder, listed(folder)

    def _move(self, staged: Path, beside: Path | None, path: Path) -> None:
        # Both are of the same digest: what is there already under these names has the same bytes, and may be replaced.
        made = self._branches.make(path.parent)
        if beside is not None and beside.exists():
            os.replace(beside, path.with_name(path.name + METADATA))
        os.replace(staged, path)
        durable.sync(path.parent)
        self._branches.sync(made)


def is_file_of(blake2b_256: str, filename: str) -> bool:
    """Whether these are a digest, and what a distribution may be called."""
    return bool(_DIGEST.match(blake2b_256) and _FILENAME.match(filename)) and not filename.endswith(METADATA)


class _StagedFile(StagedFile):
    def __init__(self, path: Path, file: BinaryIO, blobs: FolderBlobs) -> None:
        super().__init__(path, file)
        self._blobs = blobs
        self._kept: tuple[str, str] | None = None

    def keep(self, blake2b_256: str, filename: str, metadata: bytes | None) -> bool:
        self._blobs.place(self._path, blake2b_256, filename, metadata)
        self._kept = (blake2b_256, filename)
        return False  # while it is held, nobody takes it away

    def confirm(self) -> None:
        pass

    def forsake(self, named: Callable[[], bool]) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._blobs.let_go(*kept, named)

    def let_go(self) -> None:
        """The upload has ended, and what it kept stays."""
        self.forsake(lambda: True)


def _everything(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        for name in names:
            yield Path(above, name)


def _changed(path: Path) -> float:
    """When it got its place; never, if it is not there any more."""
    try:
        return path.stat().st_ctime
    except FileNotFoundError:
        return float("inf")


def _prune(folder: Path) -> None:
    """Remove the folder of a digest, and the two above it, as far as they are empty."""
    with suppress(OSError):  # not empty, or gone already
        for one in (folder, *list(folder.parents)[:2]):
            one.rmdir()
