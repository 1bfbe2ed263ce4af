# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A folder of files, and the folders that pypiserver serves: which of them may be distributions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from trustpub.errors import Misuse
from trustpub.index.imports.found import Found, Left, Listing, oldest_first
from trustpub.printable import printable

_ARCHIVES = (
    ".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".tar.zst", ".tar.z", ".tar", ".egg", ".exe",
    ".msi", ".rpm", ".deb", ".dmg",
)  # fmt: skip
"""What files end in that some index took for distributions at some time."""
_BESIDE = {
    ".asc": "a signature", ".sig": "a signature", ".sigstore": "a signature", ".sigstore.json": "a signature",
    ".metadata": "core metadata, which are read from the wheel itself", ".provenance": "a provenance document",
    ".attestation": "an attestation, which holds for the upload that it was made for",
    ".sha256": "a digest", ".md5": "a digest",
}  # fmt: skip
"""What is kept beside a distribution under its name with one of these behind it."""


def list_folders(folders: Sequence[Path]) -> Listing:
    """All files below ``folders``, as pypiserver finds them: not what begins with a dot, nor behind links to folders.

    Raises:
        Misuse: one of these is no folder, or cannot be read.
    """
    files: list[Found] = []
    left: list[Left] = []
    missing: list[Left] = []
    for folder in folders:
        if not folder.is_dir():
            raise Misuse(f"There is no folder {printable(str(folder), 400)}.")
        shown = len(folders) > 1
        for path, fault in _walk(folder):
            place = str(path if shown else path.relative_to(folder))
            if fault:
                left.append(Left(place=place, reason=fault))
            else:
                _look(path, place, files, left, missing)
    return Listing(files=oldest_first(files), passed_over=left, missing=missing)


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files, and what is not gone into with the reason."""
    unread: list[OSError] = []
    for above, folders, names in os.walk(folder, onerror=unread.append):
        here = Path(above)
        for name in sorted(folders):
            if name.startswith("."):
                yield here / name, "It begins with a dot, so it was not served."
            elif (here / name).is_symlink():
                yield here / name, "It is a link to a folder, which is not followed."
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            yield here / name, "It begins with a dot, so it was not served." if name.startswith(".") else ""
    if unread:
        raise Misuse(f"{printable(str(unread[0].filename), 400)} cannot be read: {unread[0].strerror}.")


def _look(path: Path, place: str, files: list[Found], left: list[Left], missing: list[Left]) -> None:
    name = path.name
    if not name.lower().endswith(_ARCHIVES):
        left.append(Left(place=place, reason=_what(name)))
        return
    try:
        status = path.stat()
    except OSError as error:
        missing.append(Left(place=place, reason=f"It cannot be read: {error.strerror}."))
        return
    if not stat.S_ISREG(status.st_mode):
        left.append(Left(place=place, reason="It is no regular file."))
        return
    files.append(Found(filename=name, place=place, path=str(path), size=status.st_size, uploaded=status.st_mtime))


def _what(name: str) -> str:
    for ending, what in _BESIDE.items():
        if name.lower().endswith(ending) and name[: -len(ending)].lower().endswith(_ARCHIVES):
            return f"It is {what}."
    return "Its name is not that of a distribution."
