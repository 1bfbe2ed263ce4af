# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A source distribution as an archive (packaging.python.org, source distribution format)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from trustpub.packages.entries import MAX_ENTRIES, MAX_METADATA_BYTES, Paths
from trustpub.packages.names import sdist_filename
from trustpub.packages.tars import DIRECTORY, FILE, HARDLINK, SYMLINK, BadTar, Member, Tar
from trustpub.packages.unpacking import BadGzip, Gzip, TooMuch, allowance, size_of

_GZIP = b"\x1f\x8b\x08"
_READ_BY_NAME = frozenset({"pkg-info", "pyproject.toml", "setup.py", "setup.cfg"})
"""What tools look for at the top of a source distribution, folded."""


def faults(path: str, name: str, version: str, licenses: Sequence[str]) -> list[str]:
    """What is wrong with the source distribution at ``path`` whose metadata say ``name`` and ``version``.

    ``licenses``: the files that the metadata say are in it.
    """
    seen = look(path, name, version)
    return seen if isinstance(seen, list) else seen.faults(licenses)


def look(path: str, name: str, version: str) -> Look | list[str]:
    """What is in it, by one pass; faults if it cannot be read to its end."""
    seen = Look(sdist_filename(name, version).removesuffix(".tar.gz"))
    try:
        with open(path, "rb") as packed:
            size = size_of(packed)
            if packed.read(len(_GZIP)) != _GZIP:
                return ["The source distribution is not a gzip file."]
            packed.seek(0)
            seen.through(Tar(Gzip(packed, allowance(size))))
    except (BadTar, BadGzip, TooMuch) as bad:
        return [f"The source distribution {bad}."]
    return seen


class Look:
    """One pass over the members of an archive that must lie in the directory ``top``."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._paths = Paths()
        self._tops: set[str] = set()
        self._links: set[str] = set()
        self._files: set[str] = set()
        self.pkg_info: bytes | None = None
        """Byte for byte; None as long as none was seen, or if it is too large."""

    def through(self, archive: Tar) -> None:
        """Look at every member."""
        for member in archive:
            if self._paths.full:
                return
            if self._member(member) and member.path == f"{self._top}/PKG-INFO":
                self.pkg_info = archive.read(member, MAX_METADATA_BYTES)

    def faults(self, licenses: Sequence[str]) -> list[str]:
        """What is wrong with what was seen; ``licenses`` as above."""
        found = list(self._paths.faults)
        if self._paths.full:
            found.append(f"The source distribution has more than {MAX_ENTRIES} entries.")
        if self._tops != {self._top}:
            found.append(f"The source distribution must hold one directory, {self._top!r}, and nothing beside it.")
        if self.pkg_info is None:
            found.append(f"The source distribution has no {self._top}/PKG-INFO, or too large a one.")
        found += [
            f"The source distribution has no {self._top}/{one}, which its metadata name as a License-File."
            for one in licenses
            if f"{self._top}/{one}" not in self._files
        ]
        return found + self._paths.twins(lambda path: path.partition("/")[2] in _READ_BY_NAME)

    def _member(self, member: Member) -> bool:
        """Note it. False unless it is a plain file without a fault."""
        if not self._paths.add(member.path, directory=member.kind == DIRECTORY):
            return False
        path = member.path.removesuffix("/")
        self._tops.add(path.partition("/")[0])
        fault = self._fault_in_kind(member, path)
        if fault is not None:
            self._paths.faults.append(f"The entry {path!r} {fault}.")
            return False
        if member.kind != DIRECTORY:
            self._files.add(path)
        return member.kind == FILE

    def _fault_in_kind(self, member: Member, path: str) -> str | None:
        if any(parent in self._links for parent in _parents(path)):
            return "lies below a link"
        if member.kind in (SYMLINK, HARDLINK):
            self._links.add(path)
            if path == f"{self._top}/PKG-INFO":
                return "is a link, and must be a file"
            return None if self._inside(member, path) else "is a link to a place outside the archive"
        if member.kind == FILE and "/" not in path:
            return "lies at the top instead of in a directory"
        return None

    def _inside(self, member: Member, path: str) -> bool:
        target = member.target
        if member.kind == HARDLINK:
            return target in self._files
        up = re.match(r"(?:\.\./)*", target + "/")
        down = (target + "/")[up.end() if up else 0 :].split("/")
        if not target or target.startswith("/") or "\\" in target or "\0" in target or ".." in down:
            # Behind a link, ".." is not where the text says.
            return False
        resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return resolved == self._top or resolved.startswith(self._top + "/")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
