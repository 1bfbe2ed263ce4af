# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the files that are kept are those that rows name: all of them, whole, and no others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trustpub.index.adapters.files import METADATA, is_file_of
from trustpub.index.gateway.standing import kept_here
from trustpub.index.kept import File
from trustpub.index.ports import Blobs, Clock, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Something that is not as it should be."""

    path: str
    """Below the index's folder, or the prefix in the bucket."""
    kind: str
    """``missing``, ``damaged`` or ``unknown``."""
    detail: str
    """A sentence."""


@dataclass(slots=True, kw_only=True)
class Checked:
    """What one check came to. Counts grow while it goes on."""

    files: int = 0
    """Rows that name a file."""
    bytes: int = 0
    """That were hashed."""
    on_the_way: int = 0
    """Files that a running server may just have taken in, and that were passed over."""


def check(store: Store, blobs: Blobs, clock: Clock, checked: Checked, *, served: bool) -> Iterator[Wrong]:
    """Hash every file, and yield what is wrong as it is found; reading on fills ``checked``.

    May run beside a server (``served``): what was deleted or is just coming in while it goes on is nothing wrong.
    """
    with store.read() as reading:
        rows = list(kept_here(reading))
    for row in rows:
        found = list(_check_row(row, blobs, checked))
        if found and _is_named(store, row.blake2b_256, row.filename):
            yield from found
        checked.files += 1
    named = {(row.blake2b_256, row.filename): row.metadata_sha256 is not None for row in rows}
    yield from _strangers(store, blobs, clock, checked, named, served)


def _check_row(row: File, blobs: Blobs, checked: Checked) -> Iterator[Wrong]:
    if not is_file_of(row.blake2b_256, row.filename):
        path, detail = f"packages/{row.filename}", "Its row names it by what is no digest, or no file name."
        yield Wrong(path=path, kind="damaged", detail=detail)
        return
    digest = row.blake2b_256
    path = f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{row.filename}"
    yield from _check_file(row, blobs, path, checked)
    if row.metadata_sha256 is None:
        return
    try:
        content = blobs.metadata(digest, row.filename)
    except OSError as error:
        yield Wrong(path=path + METADATA, kind="damaged", detail=f"It cannot be read: {error.strerror}.")
        return
    if content is None:
        yield Wrong(path=path + METADATA, kind="missing", detail="The metadata beside the file is not there.")
        return
    checked.bytes += len(content)
    if hashlib.sha256(content).hexdigest() != row.metadata_sha256:
        yield Wrong(path=path + METADATA, kind="damaged", detail="Its sha256 is not the one in the file's row.")


def _check_file(row: File, blobs: Blobs, path: str, checked: Checked) -> Iterator[Wrong]:
    sha256, blake2b_256, size = hashlib.sha256(), hashlib.blake2b(digest_size=32), 0
    try:
        for chunk in blobs.read(row.blake2b_256, row.filename):
            sha256.update(chunk)
            blake2b_256.update(chunk)
            size += len(chunk)
    except FileNotFoundError:
        yield Wrong(path=path, kind="missing", detail="A row names it, and it is not there.")
        return
    except OSError as error:
        yield Wrong(path=path, kind="damaged", detail=f"It cannot be read: {error.strerror}.")
        return
    checked.bytes += size
    differs = [
        name
        for name, wanted, is_so in (
            ("size", row.size, size),
            ("sha256", row.sha256, sha256.hexdigest()),
            ("blake2b_256", row.blake2b_256, blake2b_256.hexdigest()),
        )
        if wanted != is_so
    ]
    if differs:
        yield Wrong(path=path, kind="damaged", detail=f"Not as its row says: {', '.join(differs)}.")


def _strangers(
    store: Store,
    blobs: Blobs,
    clock: Clock,
    checked: Checked,
    named: Mapping[tuple[str, str], bool],
    served: bool,
) -> Iterator[Wrong]:
    """What no row names. Their rows are asked for anew: what came since the first look has one now."""
    for one in blobs.lying(served=served):
        key = (one.blake2b_256, one.filename)
        if key in named and (named[key] or not one.beside):
            continue
        # In this order: once it is not excused, whatever put it there is over, and the row there or not.
        excused = clock() < one.excused_until
        if one.blake2b_256 and _is_named(store, *key, beside=one.beside):
            continue
        if excused:
            checked.on_the_way += 1
        elif blobs.is_there(one):
            staged = one.path.startswith("staging/")
            detail = "A crash left it; the next start removes it." if staged else "No row names it."
            yield Wrong(path=one.path, kind="unknown", detail=detail)


def _is_named(store: Store, digest: str, filename: str, *, beside: bool = False) -> bool:
    with store.read() as reading:
        row = reading.file(filename)
    if row is None or row.deleted is not None or row.blake2b_256 != digest:
        return False
    return not beside or row.metadata_sha256 is not None
