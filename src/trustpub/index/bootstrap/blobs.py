# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where the bytes of an index's files are kept: in its folder, or in a bucket. It is noted, and has to be so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trustpub.errors import Misuse
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.ports import IN_BUCKET, IN_FOLDER, PLACE, Blobs, Reading, Store
from trustpub.index.settings import ObjectStorage

if TYPE_CHECKING:
    from trustpub.index.adapters.s3 import S3Blobs


def open_blobs(data: Path, s3: ObjectStorage | None, *, alone: bool = True) -> Blobs:
    """The bytes of the index: in its folder, unless they are in a bucket.

    ``alone``: no other process takes uploads for the same folder.

    Raises:
        Misuse: what is said of the bucket cannot be.
    """
    return FolderBlobs(data, alone=alone) if s3 is None else open_bucket(data, s3)


def open_bucket(data: Path, s3: ObjectStorage) -> S3Blobs:
    """The bytes in the bucket; nobody is asked yet.

    Raises:
        Misuse: what is said of the bucket cannot be.
    """
    from trustpub.index.adapters.bucket import Bucket
    from trustpub.index.adapters.s3 import S3Blobs

    return S3Blobs(data, Bucket(s3), redirect=s3.download == "redirect")


def settle(store: Store, data: Path, s3: ObjectStorage | None, *, owner: str, create: bool) -> None:
    """See to it that files are kept where they are looked for.

    A new index takes its place: with ``create`` a bucket is marked as that of ``owner``, a text that no other index
    has. After that, only moving them changes the place.

    Raises:
        Misuse: they are elsewhere, or the bucket is another's.
        Unreachable: the bucket cannot be asked whose it is.
    """
    with store.read() as reading:
        place = reading.fact(PLACE) or IN_FOLDER
        empty = place == IN_FOLDER and _has_no_file(reading)
    if s3 is None:
        if place == IN_BUCKET:
            raise Misuse(
                "The files of this index are in object storage, and it is not said in which.",
                hint="Give the section [s3] that it was started with: --config FILE",
            )
        return
    if place == IN_FOLDER and not (empty and create):
        raise Misuse(
            "The files of this index are in its folder, and [s3] says that they are in object storage.",
            hint="Move them there first: trustpub admin move-files --to s3",
        )
    if create:
        take_bucket(open_bucket(data, s3), owner, fresh=place == IN_FOLDER)
    if place == IN_FOLDER:
        with store.write() as writing:
            writing.set_fact(PLACE, IN_BUCKET)


def take_bucket(blobs: S3Blobs, owner: str, *, fresh: bool) -> None:
    """Mark the bucket as that of the index ``owner``; without ``fresh``, it must be so marked.

    Raises:
        Misuse: it is another's, or has no mark that it should have.
        Unreachable: it cannot be asked.
    """
    from trustpub.index.adapters.s3 import MARK

    mark = f"{owner}\n".encode()
    if fresh and blobs.bucket.put_new(MARK, mark):
        return
    found = blobs.bucket.get(MARK)
    if found is None:
        raise Misuse(
            f"The bucket {blobs.bucket} is not the one in which this index keeps its files.",
            hint=f"In that there is an object {MARK} below the prefix. Compare bucket, prefix and endpoint in [s3].",
        )
    if found != mark:
        raise Misuse(
            f"The bucket {blobs.bucket} holds the files of another index.",
            hint="Give each index a prefix of its own, or a bucket.",
        )


def _has_no_file(reading: Reading) -> bool:
    return next(iter(reading.all_files()), None) is None
