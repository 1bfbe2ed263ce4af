# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What another index left behind, as it is listed before anything of it is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that may be a distribution."""

    filename: str
    place: str
    """Where it is below what is imported, as it is told; not printable yet."""
    path: str
    """Where it is read."""
    size: int
    uploaded: float
    """When it was uploaded there: Unix time."""
    yanked: str | None = None
    """Why it is yanked there; empty text where without a reason; None where it is not."""
    by: str = ""
    """Who uploaded it there; empty where that is not known."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What it must be, by algorithm: ``sha256`` or ``md5``, lower-case hex. Empty where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that is not taken."""

    place: str
    """As :attr:`Found.place`."""
    reason: str
    """A sentence, which may hold what is not printable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All that is there."""

    files: Sequence[Found]
    """The oldest upload first."""
    passed_over: Sequence[Left] = ()
    """What is no distribution and does not look like one: signatures, documentation, pages."""
    missing: Sequence[Left] = ()
    """Distributions that should be there, and cannot be had."""


def oldest_first(files: Sequence[Found]) -> list[Found]:
    """In the order in which they were uploaded; always the same."""
    return sorted(files, key=lambda one: (one.uploaded, one.filename, one.place))
