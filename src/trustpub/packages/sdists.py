# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A source distribution as an archive (packaging.python.org, source distribution format)."""

from __future__ import annotations

import posixpath
import tarfile

from trustpub.packages.entries import MAX_ENTRIES, Paths
from trustpub.packages.names import sdist_filename
from trustpub.packages.unpacking import GZIP_ERRORS, BoundedGzip, TooMuch, allowance, size_of

_CHUNK = 1024 * 1024
_GZIP = b"\x1f\x8b\x08"


def faults(path: str, name: str, version: str) -> list[str]:
    """What is wrong with the source distribution at ``path`` whose metadata say ``name`` and ``version``."""
    top = sdist_filename(name, version).removesuffix(".tar.gz")
    look = _Look(top)
    try:
        with open(path, "rb") as packed:
            if packed.read(len(_GZIP)) != _GZIP:
                return ["The source distribution is not a gzip file."]
            with BoundedGzip(packed, allowance(size_of(packed))) as stream:
                with tarfile.open(fileobj=stream, mode="r|") as archive:
                    look.through(archive)
                while stream.read(_CHUNK):  # to the end: gzip's checksum is there
                    pass
    except TooMuch:
        return ["The source distribution unpacks to more than its size allows."]
    except (tarfile.TarError, *GZIP_ERRORS, ValueError, OverflowError, OSError):
        return ["The source distribution is a damaged tar.gz file."]
    return look.faults()


class _Look:
    """One pass over the members of an archive that must lie in the directory ``top``."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._paths = Paths()
        self._tops: set[str] = set()
        self._links: set[str] = set()
        self._pkg_info = False

    def through(self, archive: tarfile.TarFile) -> None:
        for entry in archive:
            if self._paths.full:
                return
            self._member(entry)

    def faults(self) -> list[str]:
        found = list(self._paths.faults)
        if self._paths.full:
            found.append(f"The source distribution has more than {MAX_ENTRIES} entries.")
        if self._tops != {self._top}:
            found.append(f"The source distribution must hold one directory, {self._top!r}, and nothing beside it.")
        if not self._pkg_info:
            found.append(f"The source distribution has no {self._top}/PKG-INFO.")
        return found

    def _member(self, entry: tarfile.TarInfo) -> None:
        if not self._paths.add(entry.name, directory=entry.isdir()):
            return
        path = entry.name.removesuffix("/")
        self._tops.add(path.partition("/")[0])
        fault = self._fault_in_kind(entry, path)
        if fault is not None:
            self._paths.faults.append(f"The entry {path!r} {fault}.")
        elif path == f"{self._top}/PKG-INFO" and entry.isreg():
            self._pkg_info = True

    def _fault_in_kind(self, entry: tarfile.TarInfo, path: str) -> str | None:
        if any(parent in self._links for parent in _parents(path)):
            return "lies below a link"
        if entry.issparse() or any(key.startswith("GNU.sparse") for key in entry.pax_headers):
            return "is a sparse file"
        if entry.issym() or entry.islnk():
            self._links.add(path)
            return None if self._inside(entry, path) else "is a link to a place outside the archive"
        if not (entry.isreg() or entry.isdir()):
            return "is neither a file nor a directory nor a link"
        return "lies at the top instead of in a directory" if entry.isreg() and "/" not in path else None

    def _inside(self, entry: tarfile.TarInfo, path: str) -> bool:
        target = entry.linkname
        if not target or target.startswith("/") or "\\" in target or "\0" in target:
            return False
        # A symbolic link counts from its own directory, a hard link from the root of the archive.
        base = posixpath.dirname(path) if entry.issym() else ""
        resolved = posixpath.normpath(posixpath.join(base, target))
        return resolved == self._top or resolved.startswith(self._top + "/")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
