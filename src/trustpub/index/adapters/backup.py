# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A copy of an index that is whole, made while it is served: a folder, or one tar file.

In it are ``index.db``, ``packages`` as in the index's own folder, ``trust`` if there are roots of its own, ``secret``
if it was asked for, and ``backup.json``, written last.

What makes it whole: every file is there, durably, before a row names it; and a row says that it is deleted before the
bytes go. So after a copy of the rows every file that they name can be had, but for those deleted meanwhile, and these
a second copy of the rows does not name any more.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import secrets
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters import durable
from trustpub.index.adapters.files import METADATA, is_file_of
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.gateway.standing import kept_here
from trustpub.index.kept import File
from trustpub.index.ports import Blobs, NoRoom

DATABASE = "index.db"
SECRET = "secret"  # noqa: S105 - a file's name
PACKAGES = "packages"
TRUST = "trust"
MANIFEST = "backup.json"
FORMAT = 1
_ROUNDS = 10
"""Copies of the rows, each because a file was deleted during the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What is in a backup."""

    files: int
    bytes: int
    linked: int
    """Of the files, those that share their bytes with the index's own folder, until one of the two is deleted."""


class _Sink(Protocol):
    """Where a backup grows."""

    def add(self, name: str, path: Path) -> bool:
        """The file, under this name; whether it is linked. FileNotFoundError if it is gone."""

    def stream(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        """A file from what comes, which is so long. FileNotFoundError if it is gone, before any of it came."""

    def put(self, name: str, content: bytes) -> None:
        """A file with this content, which only its owner may read."""

    def finish(self) -> None:
        """All is in, and is to last."""


def back_up(
    store: SqlStore,
    blobs: Blobs,
    target: Path,
    *,
    data: Path,
    said: Mapping[str, Any],
    secret: bytes | None,
    link: bool,
) -> BackedUp:
    """Make a backup at ``target``: a tar file if its name ends in ``.tar``, else a folder.

    Args:
        store: of the index.
        blobs: its files, wherever they are kept: the backup has all of them in itself.
        target: where nothing is yet.
        data: the index's folder.
        said: what the manifest says beside what is found here; JSON.
        secret: that of the server, if it is to be in it.
        link: whether files may be hard links, where the folder is on the same file system.

    Raises:
        Misuse: there is something at ``target`` already, or it cannot be written there.
        Declined: a file that a row names is not in the index's folder.
        NoRoom: on the disk for the backup.
    """
    if os.path.lexists(target):
        raise Misuse(f"There is something at {target} already.", hint="Name a place where nothing is.")
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    rows = part.with_name(f"{part.name}.db")
    try:
        with durable.room(), _sink(part, tar=target.suffix == ".tar", link=link) as sink:
            done = _copy(store, blobs, sink, rows)
            trust = data / TRUST
            for path in sorted(one for one in trust.rglob("*") if one.is_file()):
                sink.add(f"{TRUST}/{path.relative_to(trust)}", path)
            sink.add(DATABASE, rows)
            if secret is not None:
                sink.put(SECRET, secret.hex().encode() + b"\n")
            manifest = {
                **said, "trustpub-backup": FORMAT, "schema": store.revision(), "files": done.files,
                "bytes": done.bytes, "secret": secret is not None,
            }  # fmt: skip
            sink.put(MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
            sink.finish()
        with durable.room():
            _take_place(part, target)
    except NoRoom as full:
        raise NoRoom("There is no room for the backup.", hint="Nothing was left of it.") from full
    except OSError as error:
        raise Misuse(f"The backup cannot be written to {target}: {error.strerror}.") from error
    finally:
        _drop(rows)
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
    return done


def _drop(rows: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        rows.with_name(rows.name + ending).unlink(missing_ok=True)


def _take_place(part: Path, target: Path) -> None:
    """Give the finished backup its name, unless another took that meanwhile."""
    if not part.is_dir():
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without such a thing
            part.rename(target)
    else:
        part.rename(target)  # never onto a file, or a folder with something in it
    durable.sync(target.parent)


def _copy(store: SqlStore, blobs: Blobs, sink: _Sink, rows: Path) -> BackedUp:
    """Add every file, until none is missing that the newest copy of the rows names. That copy is left at ``rows``."""
    added: dict[tuple[str, str], bool] = {}
    missing: set[tuple[str, str]] = set()
    for _ in range(_ROUNDS):
        _drop(rows)
        os.close(os.open(rows, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        store.copy_to(rows)
        named = list(_named(rows))
        lost = {(row.blake2b_256, row.filename) for row in named} & missing
        if lost:
            break
        missing = set()
        for row in named:
            key = (row.blake2b_256, row.filename)
            if key not in added:
                try:
                    added[key] = _add(row, blobs, sink)
                except FileNotFoundError:
                    missing.add(key)
        if not missing:
            kept = [added[row.blake2b_256, row.filename] for row in named]
            return BackedUp(files=len(named), bytes=sum(row.size for row in named), linked=sum(kept))
    names = sorted(filename for _, filename in missing)
    raise Declined(
        f"{len(names)} file(s) are not where they should be, the first is {names[0]}: a backup would not be whole.",
        hint="See all with: trustpub admin check-files. Put them back, or delete them from their project.",
    )


def _named(rows: Path) -> Iterator[File]:
    """The rows of files in a copy of the database, which is found whole first."""
    copy = SqlStore(rows)
    try:
        if (fault := copy.fault()) is not None:
            raise Declined(f"The index's database is damaged: {fault}.")
        with copy.read() as reading:
            yield from kept_here(reading)
    finally:
        copy.close()


def _add(row: File, blobs: Blobs, sink: _Sink) -> bool:
    digest = row.blake2b_256
    if not is_file_of(digest, row.filename):
        raise Declined(f"The row of the file {row.filename!r} says nowhere where it could be.")
    name = f"{PACKAGES}/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{row.filename}"
    place = blobs.open(digest, row.filename)
    if isinstance(place, str):
        if row.metadata_sha256 is not None:
            sink.add(name + METADATA, Path(place + METADATA))
        return sink.add(name, Path(place))
    if row.metadata_sha256 is not None:
        metadata = blobs.metadata(digest, row.filename)
        if metadata is None:
            raise FileNotFoundError(row.filename)
        sink.stream(name + METADATA, iter([metadata]), len(metadata))
    sink.stream(name, blobs.read(digest, row.filename), row.size)
    return False


@contextmanager
def _sink(part: Path, *, tar: bool, link: bool) -> Iterator[_Sink]:
    if not tar:
        part.mkdir(mode=0o700)
        yield _FolderSink(part, link=link)
        return
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield _TarSink(file)


class _FolderSink:
    def __init__(self, folder: Path, *, link: bool) -> None:
        self._folder = folder
        self._link = link
        self._folders = {folder}

    def add(self, name: str, path: Path) -> bool:
        target = self._folder / name
        self._make(target.parent)
        # The database goes on changing under its name; files of packages never do.
        if self._link and name.startswith(f"{PACKAGES}/"):
            try:
                os.link(path, target)
            except FileNotFoundError:
                raise
            except FileExistsError:
                return True  # metadata of a file that was gone itself when its turn came
            except OSError:
                self._link = False  # another file system, or one that has no such thing
            else:
                return True
        with path.open("rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
        return False

    def stream(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        target = self._folder / name
        self._make(target.parent)
        first = next(chunks, b"")  # before the file is made, which is to be there whole or not
        with target.open("wb") as copy:
            for chunk in itertools.chain((first,), chunks):
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())

    def put(self, name: str, content: bytes) -> None:
        path = self._folder / name
        durable.write(path, content, mode=0o600)

    def finish(self) -> None:
        for folder in self._folders:
            durable.sync(folder)

    def _make(self, folder: Path) -> None:
        missing = []
        while folder not in self._folders:
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir()
            self._folders.add(one)


class _TarSink:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - ended by finish

    def add(self, name: str, path: Path) -> bool:
        with path.open("rb") as source:
            status = os.fstat(source.fileno())
            self._member(name, source, status.st_size, 0o644, status.st_mtime)
        return False

    def stream(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        first = next(chunks, b"")
        self._member(name, io.BufferedReader(_Read(itertools.chain((first,), chunks))), size, 0o644, time.time())

    def put(self, name: str, content: bytes) -> None:
        self._member(name, io.BytesIO(content), len(content), 0o600, 0)

    def finish(self) -> None:
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def _member(self, name: str, source: IO[bytes], size: int, mode: int, modified: float) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, mode, int(modified)
        self._tar.addfile(member, source)


class _Read(io.RawIOBase):
    """Chunks as a file to be read. A tar file takes from it as much as it was said to have, and fails if it is less."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = next(self._chunks, b"")
        taken = min(len(buffer), len(self._left))
        buffer[:taken], self._left = self._left[:taken], self._left[taken:]
        return taken
