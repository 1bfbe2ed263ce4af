# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the files in the folder are those that rows name: all of them, whole, and no others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.index.adapters.files import METADATA, FolderBlobs
from trustpub.index.kept import File
from trustpub.index.ports import Clock, Store

_CHUNK = 1024 * 1024

ON_THE_WAY_SECONDS = 300
"""What a running server put into the folder so short a time ago may be about to get its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Something that is not as it should be."""

    path: str
    """Below the index's folder."""
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
    """Files that a running server has just taken in, and that were passed over."""


def check(store: Store, blobs: FolderBlobs, clock: Clock, checked: Checked, *, served: bool) -> Iterator[Wrong]:
    """Hash every file, and yield what is wrong as it is found; reading on fills ``checked``.

    May run beside a server (``served``): what was deleted or is just coming in while it goes on is nothing wrong.
    """
    with store.read() as reading:
        rows = [one for one in reading.all_files() if one.deleted is None]
    for row in rows:
        found = list(_check_row(row, blobs, checked))
        if found and _is_named(store, row.blake2b_256, row.filename):
            yield from found
        checked.files += 1
    named = {(row.blake2b_256, row.filename): row.metadata_sha256 is not None for row in rows}
    yield from _strangers(store, blobs, clock, checked, named, served)


def _check_row(row: File, blobs: FolderBlobs, checked: Checked) -> Iterator[Wrong]:
    place = blobs.path(row.blake2b_256, row.filename)
    if place is None:
        path, detail = f"packages/{row.filename}", "Its row names it by what is no digest, or no file name."
        yield Wrong(path=path, kind="damaged", detail=detail)
        return
    path = f"packages/{place.relative_to(blobs.packages)}"
    yield from _check_file(row, place, path, checked)
    if row.metadata_sha256 is None:
        return
    try:
        content = place.with_name(place.name + METADATA).read_bytes()
    except FileNotFoundError:
        yield Wrong(path=path + METADATA, kind="missing", detail="The metadata beside the file is not there.")
    except OSError as error:
        yield Wrong(path=path + METADATA, kind="damaged", detail=f"It cannot be read: {error.strerror}.")
    else:
        checked.bytes += len(content)
        if hashlib.sha256(content).hexdigest() != row.metadata_sha256:
            yield Wrong(path=path + METADATA, kind="damaged", detail="Its sha256 is not the one in the file's row.")


def _check_file(row: File, place: Path, path: str, checked: Checked) -> Iterator[Wrong]:
    sha256, blake2b_256, size = hashlib.sha256(), hashlib.blake2b(digest_size=32), 0
    try:
        with place.open("rb") as file:
            while chunk := file.read(_CHUNK):
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
    blobs: FolderBlobs,
    clock: Clock,
    checked: Checked,
    named: Mapping[tuple[str, str], bool],
    served: bool,
) -> Iterator[Wrong]:
    """Files that no row names. Their rows are asked for anew: what came since the first look has one now."""
    for path in _everything(blobs.packages):
        parts = path.relative_to(blobs.packages).parts
        filename = path.name.removesuffix(METADATA)
        beside = path.name != filename
        digest = "".join(parts[:-1]) if tuple(map(len, parts[:-1])) == (2, 2, 60) else ""
        if (digest, filename) in named and (named[digest, filename] or not beside):
            continue
        # In this order: once it is not young, whatever put it there is over, and the row there or not.
        young = served and _is_young(path, clock())
        if digest and _is_named(store, digest, filename, beside=beside):
            continue
        if young:
            checked.on_the_way += 1
        elif os.path.lexists(path):
            yield Wrong(path=f"packages/{'/'.join(parts)}", kind="unknown", detail="No row names it.")
    for path in _everything(blobs.staging):
        if served:
            checked.on_the_way += 1
        else:
            detail = "A crash left it; the next start removes it."
            yield Wrong(path=f"staging/{path.name}", kind="unknown", detail=detail)


def _everything(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        for name in names:
            yield Path(above, name)


def _is_named(store: Store, digest: str, filename: str, *, beside: bool = False) -> bool:
    with store.read() as reading:
        row = reading.file(filename)
    if row is None or row.deleted is not None or row.blake2b_256 != digest:
        return False
    return not beside or row.metadata_sha256 is not None


def _is_young(path: Path, now: float) -> bool:
    try:
        # The time of its last move, not of its content: that may have been long on its way.
        return now - path.stat().st_ctime < ON_THE_WAY_SECONDS
    except FileNotFoundError:
        return True
