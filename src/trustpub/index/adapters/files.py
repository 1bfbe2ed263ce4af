# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The bytes of files, in a folder.

``packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{filename}``, and beside it ``{filename}.metadata`` where there is core metadata
to serve; what is on its way in lies in ``staging``. A file has its place, durably, before any row names it; what no row
names after a crash is swept away at the next start.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from trustpub.index.ports import Staged, Store

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,239}\Z")
"""What a wheel or an sdist may be called; in particular no slash, no leading dot, and room for ``.metadata``."""
_METADATA = ".metadata"


class FolderBlobs:
    """:class:`trustpub.index.ports.Blobs` under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._packages = folder / "packages"
        self._staging = folder / "staging"
        for one in (self._packages, self._staging):
            one.mkdir(exist_ok=True)

    @contextmanager
    def stage(self) -> Iterator[Staged]:
        """A new file, gone when the block ends without ``keep``."""
        path = self._staging / secrets.token_hex(16)
        with path.open("xb", buffering=0) as file:
            staged = _StagedFile(path, file, self)
            try:
                yield staged
            finally:
                with suppress(FileNotFoundError):
                    path.unlink()

    def open(self, blake2b_256: str, filename: str) -> str | None:
        """The path of a kept file."""
        path = self._path(blake2b_256, filename)
        return str(path) if path is not None and path.is_file() else None

    def metadata(self, blake2b_256: str, filename: str) -> bytes | None:
        """The core metadata beside it."""
        path = self._path(blake2b_256, filename)
        if path is None:
            return None
        try:
            return path.with_name(filename + _METADATA).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, blake2b_256: str, filename: str) -> None:
        """The file and its metadata; nothing happens if they are not there."""
        path = self._path(blake2b_256, filename)
        if path is None:
            return
        for one in (path, path.with_name(filename + _METADATA)):
            one.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or gone already
            for folder in list(path.parents)[:3]:
                folder.rmdir()

    def names(self) -> Iterator[tuple[str, str]]:
        """``(blake2b_256, filename)`` of every file kept."""
        for path in self._packages.glob("??/??/*/*"):
            digest = "".join(path.parts[-4:-1])
            if _DIGEST.match(digest) and not path.name.endswith(_METADATA):
                yield digest, path.name

    def sweep(self, store: Store) -> int:
        """Remove what no row names: leftovers of a crash. Only while nothing is being uploaded.

        Returns how many files were removed.
        """
        removed = 0
        for path in self._staging.iterdir():
            path.unlink()
            removed += 1
        with store.read() as reading:
            for digest, filename in list(self.names()):
                file = reading.file(filename)
                if file is None or file.blake2b_256 != digest:
                    self.remove(digest, filename)
                    removed += 1
        return removed

    def place(self, staged: Path, blake2b_256: str, filename: str, metadata: bytes | None) -> None:
        """Move a finished file to its lasting place, durably. Used by what :meth:`stage` gives.

        Raises:
            ValueError: the digest or the name is not one.
        """
        path = self._path(blake2b_256, filename)
        if path is None:
            raise ValueError("not a digest, or not the name of a distribution")
        made = _make_folders(path.parent, self._packages)
        if metadata is not None:
            # Both are of the same digest: a leftover of the same name has the same bytes, and may be replaced.
            beside = self._staging / f"{staged.name}{_METADATA}"
            _write_durably(beside, metadata)
            os.replace(beside, path.with_name(filename + _METADATA))
        os.replace(staged, path)
        for folder in (path.parent, *made):
            _sync_folder(folder)

    def _path(self, blake2b_256: str, filename: str) -> Path | None:
        if not _DIGEST.match(blake2b_256) or not _FILENAME.match(filename) or filename.endswith(_METADATA):
            return None
        return self._packages / blake2b_256[:2] / blake2b_256[2:4] / blake2b_256[4:] / filename


class _StagedFile:
    def __init__(self, path: Path, file: BinaryIO, blobs: FolderBlobs) -> None:
        self._path = path
        self._file = file
        self._blobs = blobs

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:  # unbuffered: one write may take a part only
            rest = rest[self._file.write(rest) :]

    def path(self) -> str:
        return str(self._path)

    def finish(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()

    def keep(self, blake2b_256: str, filename: str, metadata: bytes | None) -> None:
        self._blobs.place(self._path, blake2b_256, filename, metadata)


def _make_folders(wanted: Path, top: Path) -> list[Path]:
    """Make a folder below ``top``. Returns folders whose own entries are new, and must be made durable as well."""
    parents = []
    folder = wanted
    while folder != top:
        parent = folder.parent
        if not folder.exists():
            parents.append(parent)
        folder = parent
    wanted.mkdir(parents=True, exist_ok=True)
    return parents


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
