# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is noted of a file before it is handed on, so that whatever happens then, what was begun is known.

A note is a fact of the index, ``handing-on:`` and :func:`trustpub.packages.names.file_key` of the file's name. It is
gone when the end is known. As long as it is there, only the same bytes go on under that name, and a token that was for
one upload is still good for these.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from trustpub.index.ports import Reading, Writing
from trustpub.packages.names import file_key

PREFIX = "handing-on:"
LONGEST_SECONDS = 1800
"""How long a file may be on its way to the index behind this one; a note that is older was left by a crash."""
_MOST_TOKENS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A file that was handed on, and of which it is not known what became of it."""

    filename: str
    sha256: str
    until: int
    """Unix time after which it is not on its way any more."""
    tokens: tuple[str, ...]
    """Ids of those that its uploads were authorised with, the newest last."""


def read(reading: Reading, filename: str) -> Note | None:
    """The note of this name, in any spelling."""
    return _note(reading.fact(PREFIX + file_key(filename)))


def read_all(reading: Reading) -> list[Note]:
    """Of all files whose end is not known, by name."""
    found = (_note(value) for value in reading.facts(PREFIX).values())
    return sorted((note for note in found if note is not None), key=lambda note: note.filename)


def write(writing: Writing, note: Note) -> None:
    """Add it, or replace that of its name."""
    kept = {**asdict(note), "tokens": note.tokens[-_MOST_TOKENS:]}
    writing.set_fact(PREFIX + file_key(note.filename), json.dumps(kept))


def remove(writing: Writing, filename: str) -> None:
    """The end is known."""
    writing.remove_fact(PREFIX + file_key(filename))


def _note(value: str | None) -> Note | None:
    if value is None:
        return None
    kept = json.loads(value)
    return Note(filename=kept["filename"], sha256=kept["sha256"], until=kept["until"], tokens=tuple(kept["tokens"]))
