# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What became of each file of a release, at every moment: for people, for programs, and for a job's summary."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from trustpub.printable import inert

if TYPE_CHECKING:
    from trustpub.client.files import Distribution


class State(Enum):
    """Of a file; the value is for programs."""

    WAITING = "waiting"
    """Not sent."""
    SENDING = "sending"
    """Sent, and not answered yet."""
    UPLOADED = "uploaded"
    PRESENT = "present"
    """The index had it before, with the same content."""
    DIFFERENT = "different"
    """The index has another file of this name, which was left alone."""
    REFUSED = "refused"
    """It is not on the index."""
    UNKNOWN = "unknown"
    """It was sent, and nobody knows whether the index took it."""


ON_THE_INDEX = frozenset({State.UPLOADED, State.PRESENT})
_WORDS = {
    State.WAITING: "not sent",
    State.SENDING: "may have arrived",
    State.UPLOADED: "uploaded",
    State.PRESENT: "was there already",
    State.DIFFERENT: "left alone: another file of this name is there",
    State.REFUSED: "not on the index",
    State.UNKNOWN: "may have arrived",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file."""

    distribution: Distribution
    state: State = State.WAITING
    attempts: int = 0
    """How often it was sent."""

    def body(self) -> dict[str, Any]:
        """For programs."""
        return {
            "filename": self.distribution.filename,
            "size": self.distribution.size,
            "sha256": self.distribution.submission.sha256,
            "attestations": len(self.distribution.attestations),
            "state": self.state.value,
            "attempts": self.attempts,
        }


class Ledger:
    """All files of a release, in their order. May be written and read by threads."""

    def __init__(self, distributions: Sequence[Distribution] = ()) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self.take(distributions)

    def take(self, distributions: Sequence[Distribution]) -> None:
        """Have these files, in what state they were."""
        with self._lock:
            for one in distributions:
                row = self._rows.get(one.filename, Row(distribution=one))
                self._rows[one.filename] = replace(row, distribution=one)

    def set(self, distribution: Distribution, state: State) -> None:
        """``distribution`` is now in this state; each :attr:`State.SENDING` is an attempt."""
        with self._lock:
            row = self._rows[distribution.filename]
            sent = row.attempts + (state is State.SENDING)
            self._rows[distribution.filename] = replace(row, state=state, attempts=sent)

    @property
    def rows(self) -> list[Row]:
        """As they are now."""
        with self._lock:
            return list(self._rows.values())

    def among(self, *states: State) -> list[Distribution]:
        """The files in any of these states."""
        return [row.distribution for row in self.rows if row.state in states]

    @property
    def begun(self) -> bool:
        """Whether anything was sent."""
        return any(row.attempts for row in self.rows)

    @property
    def complete(self) -> bool:
        """Whether all is where it should be."""
        return all(row.state in ON_THE_INDEX or row.state is State.DIFFERENT for row in self.rows)

    def lines(self) -> list[str]:
        """What is on the index and what is not."""
        up = [f"  {row.distribution.filename}" for row in self.rows if row.state in ON_THE_INDEX]
        down = [
            f"  {row.distribution.filename}{_MARKS.get(row.state, '')}"
            for row in self.rows
            if row.state not in ON_THE_INDEX
        ]
        return [*(["On the index:", *up] if up else []), *(["Not on the index:", *down] if down else [])]

    def summary(self, index: str) -> str:
        """A table in Markdown (GitHub's), in which nothing from outside is a link, an image or a tag.

        ``index``: its name or address.
        """
        rows = [
            f"| `{_cell(row.distribution.filename)}` | {row.distribution.size:,} "
            f"| `{row.distribution.submission.sha256 or ''}` | {_WORDS[row.state]} |"
            for row in self.rows
        ]
        head = f"### {'Published to' if self.complete else 'Not all published to'} `{_cell(index)}`"
        return "\n".join([head, "", "| file | bytes | sha256 | |", "|---|---:|---|---|", *rows, ""])


_MARKS = {
    State.SENDING: " (it may have arrived all the same)",
    State.UNKNOWN: " (it may have arrived all the same)",
    State.DIFFERENT: " (another file of this name is there)",
}


def _cell(text: str) -> str:
    return inert(text, 300).replace("|", "/").replace("`", "'")
