# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of each file: new, changed between the marks, as it was, or left alone with the new text beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import texts
from trustpub.workflow.generate.written import Written, difference, merged

BESIDE = ".new"
"""Behind the name of a file that is not ours: no CI reads such a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file."""

    path: PurePosixPath
    """From the top of the repository."""
    before: str | None
    after: str
    left: bool = False
    """Whether the file at the path without :data:`BESIDE` is somebody's own, so that this is written beside it."""

    @property
    def kind(self) -> str:
        """``created``, ``changed``, ``unchanged``, or ``beside``."""
        if self.left and self.before != self.after:
            return "beside"
        if self.before is None:
            return "created"
        return "unchanged" if self.before == self.after else "changed"

    @property
    def difference(self) -> str:
        """Unified; empty where nothing changes."""
        return difference(self.path, self.before, self.after)


def changes(root: Path, files: Iterable[Written]) -> Iterator[Change]:
    """What becomes of ``files`` below ``root``.

    Raises:
        Misuse: one of them cannot be read.
    """
    for file in files:
        before = read(root, file.path)
        after = None if before is not None and file.whole and not _ours(before, file.text) else merged(before, file)
        if after is not None:
            yield Change(path=file.path, before=before, after=after)
            continue
        beside = file.path.with_name(file.path.name + BESIDE)
        yield Change(path=beside, before=read(root, beside), after=file.text, left=True)


def read(root: Path, path: PurePosixPath) -> str | None:
    """The text of a file; None where there is none.

    Raises:
        Misuse: it cannot be read, is not text, or is no file of this repository.
    """
    place = root / path
    shown = printable(str(path))
    if not place.resolve().is_relative_to(root.resolve()):
        raise Misuse(f"{shown} leads out of the repository.")
    return texts.find(place, shown)


def write(root: Path, change: Change) -> None:
    """Put the file there, whole or not at all.

    Raises:
        Misuse: it cannot be written, or was changed by somebody since it was read.
    """
    place = root / change.path
    shown = printable(str(change.path))
    if read(root, change.path) != change.before:
        raise Misuse(f"{shown} was changed in the meantime, and is left as it is.", hint="Run this again.")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        texts.replace(place, change.after.encode("utf-8"))
    except OSError as error:
        raise Misuse(f"{shown} cannot be written: {error.strerror}.") from None


def _ours(before: str, after: str) -> bool:
    """Whether a file that is wholly ours says so in its first line."""
    return before.partition("\n")[0] == after.partition("\n")[0]
