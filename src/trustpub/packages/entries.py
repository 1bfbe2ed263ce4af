# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The paths in an archive: unpacked anywhere, each must stay below the place it is unpacked to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MAX_ENTRIES = 100_000
"""Files and directories in one archive."""

MAX_METADATA_BYTES = 8 * 1024 * 1024
"""Of METADATA or PKG-INFO, description included."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def fault_in_path(name: str) -> str | None:
    """What makes the path of an entry unsafe to unpack, as the end of a sentence; None if nothing."""
    if not name or _CONTROL.search(name):
        return "is empty or holds a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "is absolute"
    if "\\" in name:
        return "holds a backslash"
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "has a part that is empty, '.' or '..'"
    return None


def folded(name: str) -> str:
    """One text for all paths that some file system takes for ``name``: other case, other Unicode forms, and what
    Windows leaves out, as blanks and dots at the end of a part and all behind a colon.
    """
    parts = unicodedata.normalize("NFC", name).casefold().split("/")
    return "/".join(part.partition(":")[0].rstrip(". ") for part in parts)


class Paths:
    """The entries of one archive, each looked at as it comes; collects what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._files: set[str] = set()
        self._directories: set[str] = set()

    def add(self, name: str, *, directory: bool) -> bool:
        """Note an entry. False if it has a fault that makes it useless to look into it."""
        if len(self._files) + len(self._directories) > MAX_ENTRIES:
            return False
        fault = fault_in_path(name)
        if fault is not None:
            self.faults.append(f"The path {name!r} {fault}.")
            return False
        # Composed or not, the same letters are one name to many file systems, and never two files on purpose.
        path = unicodedata.normalize("NFC", name.removesuffix("/"))
        if path in self._files or (path in self._directories and not directory):
            self.faults.append(f"The path {path!r} stands in the archive more than once.")
            return False
        (self._directories if directory else self._files).add(path)
        self._add_parents(path)
        return True

    def twins(self, special: Callable[[str], bool]) -> list[str]:
        """Faults for files that ``special`` picks by their :func:`folded` path, and that have a twin spelled otherwise.

        For those that tools look for by name: elsewhere ``a`` beside ``A`` may be meant, as in headers of Linux.
        """
        seen: dict[str, str] = {}
        found = []
        for path in sorted(self._files | self._directories):
            key = folded(path)
            if special(key) and seen.setdefault(key, path) != path:
                found.append(f"The paths {seen[key]!r} and {path!r} are the same to some file systems.")
        return found

    def _add_parents(self, path: str) -> None:
        while "/" in path:
            path = path.rpartition("/")[0]
            if path in self._files:
                self.faults.append(f"The path {path!r} is both a file and a directory.")
            if path in self._directories:
                return
            self._directories.add(path)

    @property
    def full(self) -> bool:
        """Whether there are more entries than an archive may have."""
        return len(self._files) + len(self._directories) > MAX_ENTRIES
