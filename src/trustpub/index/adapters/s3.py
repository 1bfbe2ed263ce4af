# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The bytes of files, in a bucket behind the S3 API.

Objects are named as files in a folder are, below a prefix: ``packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{filename}``, and
beside it ``{filename}.metadata``. What is on its way in lies in the index's own folder while it is judged.

Several programs on several machines may do this at once, and none knows what the others are about to name. So nothing
is taken away that is younger than :data:`GRACE_SECONDS`; and whoever finds bytes there already, named by nothing, and
is about to name them, does so in a transaction that comes before or after that of a sweep which takes them away: if
after, they are put back before the upload is acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from trustpub.errors import Unreachable
from trustpub.index.adapters import staging
from trustpub.index.adapters.bucket import Altered, Bucket, Object
from trustpub.index.adapters.files import METADATA, is_file_of
from trustpub.index.adapters.staging import STAGING, StagedFile
from trustpub.index.ports import SWEEPING, Lying, Staged, Store
from trustpub.printable import printable

GRACE_SECONDS = 86_400
"""What is younger may be about to get its row."""
TIDY_SECONDS = 86_400
"""How often it is looked for what no row names: the whole bucket has to be listed."""
MOST_SWEPT = 1_000
"""In one round. Crashes leave a few; where more seem to be named by nothing, something else may be wrong."""
MARK = "trustpub-index"
"""The object that says whose files these are."""
TIDIED = "tidied"
"""The fact that says when it was last looked for what no row names."""

_PLACE = re.compile(r"packages/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})/([^/]+)\Z")
_STEP = 2 * 1024 * 1024
"""Bytes that are asked for at once when a file is read through here; while they are sent, the next come."""

_log = logging.getLogger("trustpub.index")


class S3Blobs:
    """:class:`trustpub.index.ports.Blobs` in ``bucket``."""

    def __init__(self, folder: Path, bucket: Bucket, *, redirect: bool = False) -> None:
        """``folder``: the index's own. ``redirect``: who downloads is sent to the bucket."""
        self.staging = folder / STAGING
        """Where files are on their way in."""
        self.bucket = bucket
        self._redirect = redirect
        staging.make(folder, STAGING)

    @contextmanager
    def stage(self) -> Iterator[Staged]:
        """A new file here, gone when the block ends.

        Raises:
            NoRoom: for it, or in the block for what is written to it.
        """
        with staging.new_file(self.staging) as (path, file):
            yield _StagedFile(path, file, self.bucket)

    def open(self, blake2b_256: str, filename: str) -> DistantFile | None:
        """The object, be it there or not; None if these are no digest and no name of a distribution."""
        if not is_file_of(blake2b_256, filename):
            return None
        return DistantFile(self.bucket, key_of(blake2b_256, filename), redirect=self._redirect)

    @contextmanager
    def local(self, blake2b_256: str, filename: str) -> Iterator[str | None]:
        """A copy of the object on this machine.

        Raises:
            NoRoom: for it.
        """
        with staging.new_file(self.staging) as (path, file):
            copy = StagedFile(path, file)
            try:
                for chunk in self.read(blake2b_256, filename):
                    copy.write(chunk)
            except FileNotFoundError:
                yield None
                return
            yield str(path)

    def read(self, blake2b_256: str, filename: str) -> Iterator[bytes]:
        """The object's bytes, some mebibytes at a time.

        Raises:
            FileNotFoundError: there is none.
        """
        if not is_file_of(blake2b_256, filename):
            raise FileNotFoundError(filename)
        yield from self.bucket.read(key_of(blake2b_256, filename))

    def metadata(self, blake2b_256: str, filename: str) -> bytes | None:
        """The core metadata beside it."""
        if not is_file_of(blake2b_256, filename):
            return None
        return self.bucket.get(key_of(blake2b_256, filename) + METADATA)

    def remove(self, blake2b_256: str, filename: str) -> None:
        """The object and its metadata; what cannot be reached now goes with a sweep."""
        if not is_file_of(blake2b_256, filename):
            return
        key = key_of(blake2b_256, filename)
        try:
            for one in (key, key + METADATA):
                self.bucket.delete(one)
        except Unreachable as down:
            _log.warning("the bytes of the deleted file %s stay until the next sweep: %s", filename, down.message)

    def names(self) -> Iterator[tuple[str, str]]:
        """``(blake2b_256, filename)`` of every file kept."""
        for one in self.lying(served=False):
            if one.blake2b_256 and not one.beside:
                yield one.blake2b_256, one.filename

    def fault(self) -> str | None:
        """Why no file could be taken now: for want of room here, or because the bucket cannot be had."""
        if (here := staging.fault(self.staging)) is not None:
            return here
        try:
            if self.bucket.head(MARK) is None:
                return "The bucket has lost the mark that says whose files are in it."
        except Unreachable as down:
            return down.message
        return None

    def lying(self, *, served: bool) -> Iterator[Lying]:
        """All objects, and what is in the folder of files on their way in."""
        yield from map(_lying, self._all())
        for name in staging.listed(str(self.staging)):
            excused = float("inf") if served else 0
            path = f"{self.staging.name}/{name}"
            yield Lying(path=path, blake2b_256="", filename="", beside=False, excused_until=excused)

    def is_there(self, lying: Lying) -> bool:
        """Whether it is still there."""
        if os.path.lexists(self.staging.parent / lying.path):
            return True
        return self.bucket.head(lying.path) is not None

    def sweep(self, store: Store) -> int:
        """What is left in the folder; in the bucket others may be at work, and it takes long: that is for tidying."""
        return staging.clear(self.staging.parent)

    def tidy(self, store: Store, now: float) -> int:
        """Once a day, by one of all programs that serve the index: :meth:`sweep_bucket`."""
        with store.write() as writing:
            if now - float(writing.fact(TIDIED) or 0) < TIDY_SECONDS:
                return 0
            writing.set_fact(TIDIED, str(int(now)))
        return self.sweep_bucket(store, older_than=now - GRACE_SECONDS)

    def sweep_bucket(self, store: Store, *, older_than: float) -> int:
        """Take away what no row names and was put there before that time. How much that was.

        Nothing is taken away where that would be more than :data:`MOST_SWEPT`.
        """
        with store.read() as reading:
            named = {
                (one.blake2b_256, one.filename): one.metadata_sha256 is not None
                for one in reading.all_files()
                if one.deleted is None
            }
        left = []
        for one in self._all():
            lying = _lying(one)
            key = (lying.blake2b_256, lying.filename)
            if one.changed >= older_than or (key in named and (named[key] or not lying.beside)):
                continue
            if lying.blake2b_256 or one.key.startswith(f"{STAGING}/"):  # what is not of our making stays
                left.append(lying)
            if len(left) > MOST_SWEPT:
                _log.error("more than %d objects in the bucket are named by no row: none was removed", MOST_SWEPT)
                return 0
        return sum(self._take_away(store, one, older_than) for one in left)

    def _take_away(self, store: Store, lying: Lying, older_than: float) -> bool:
        with store.write() as writing:
            writing.set_fact(SWEEPING, lying.filename)  # first: from here on, who would name it waits, or comes before
            row = writing.file(lying.filename) if lying.filename else None
            if row is not None and row.deleted is None and row.blake2b_256 == lying.blake2b_256:
                named = row.metadata_sha256 is not None or not lying.beside
                if named:
                    return False
            found = self.bucket.head(lying.path)
            if found is None or found.changed >= older_than:
                return False
            self.bucket.delete(lying.path)
        return True

    def _all(self) -> Iterator[Object]:
        return itertools.chain(self.bucket.list("packages"), self.bucket.list(STAGING))


class DistantFile:
    """:class:`trustpub.index.ports.Distant`"""

    def __init__(self, bucket: Bucket, key: str, *, redirect: bool) -> None:
        self._bucket = bucket
        self._key = key
        self._redirect = redirect

    def link(self) -> str | None:
        """To the bucket itself, where that is wished."""
        return self._bucket.link(self._key) if self._redirect else None

    async def stream(self, first: int, last: int) -> AsyncIterator[bytes]:
        """A request for each piece, so that none has to last as long as a slow client."""
        ahead = self._ask(first, last)
        try:
            while first <= last:
                piece = await ahead
                if len(piece) != min(_STEP, last + 1 - first):
                    raise EOFError("an object is shorter than the row of its file says")
                first += len(piece)
                if first <= last:
                    ahead = self._ask(first, last)
                yield piece
        finally:
            if not ahead.done():
                ahead.cancel()
                with contextlib.suppress(asyncio.CancelledError, Unreachable, FileNotFoundError):
                    await ahead
            elif not ahead.cancelled():
                ahead.exception()  # it was asked for in vain, and nobody needs to know what came of it

    def _ask(self, first: int, last: int) -> asyncio.Task[bytes]:
        end = min(first + _STEP, last + 1)
        return asyncio.get_running_loop().create_task(self._bucket.range(self._key, first, end))


class _StagedFile(StagedFile):
    def __init__(self, path: Path, file: BinaryIO, bucket: Bucket) -> None:
        super().__init__(path, file)
        self._bucket = bucket
        self._kept: tuple[str, str, bytes | None] | None = None

    def keep(self, blake2b_256: str, filename: str, metadata: bytes | None) -> bool:
        if not is_file_of(blake2b_256, filename):
            raise ValueError("not a digest, or not the name of a distribution")
        key = key_of(blake2b_256, filename)
        new = self._put(key, blake2b_256, metadata)
        self._kept = (key, blake2b_256, metadata)
        return not new

    def confirm(self) -> None:
        if self._kept is None:
            return
        key, blake2b_256, metadata = self._kept
        if self._bucket.head(key) is None or (metadata is not None and self._bucket.head(key + METADATA) is None):
            self._put(key, blake2b_256, metadata)

    def forsake(self, named: Callable[[], bool]) -> None:
        # Another program may just have found it there, and be about to name it: it is left to a sweep.
        self._kept = None

    def _put(self, key: str, blake2b_256: str, metadata: bytes | None) -> bool:
        """Both objects. Whether neither was there."""
        new = metadata is None or self._bucket.put_new(key + METADATA, metadata)
        if not new and self._bucket.get(key + METADATA) != metadata:
            raise _other(key + METADATA)
        try:
            sent = self._bucket.send_new(key, self._path, blake2b_256)
        except Altered:
            raise Unreachable("What was uploaded was altered on the disk of this machine.") from None
        if not sent:
            new = False
            digest = hashlib.blake2b(digest_size=32)
            for chunk in self._bucket.read(key):
                digest.update(chunk)
            if digest.hexdigest() != blake2b_256:
                raise _other(key)
        return new


def _other(key: str) -> Unreachable:
    return Unreachable(f"The bucket holds something else as {printable(key.rpartition('/')[2], 200)!r} already.")


def key_of(blake2b_256: str, filename: str) -> str:
    """The name of a file's object, below the prefix."""
    return f"packages/{blake2b_256[:2]}/{blake2b_256[2:4]}/{blake2b_256[4:]}/{filename}"


def _lying(found: Object) -> Lying:
    place = _PLACE.match(found.key)
    name = place[4].removesuffix(METADATA) if place else ""
    return Lying(
        path=found.key,
        blake2b_256="".join(place.groups()[:3]) if place else "",
        filename=name,
        beside=place is not None and place[4] != name,
        excused_until=found.changed + GRACE_SECONDS + 2 * TIDY_SECONDS,
    )
