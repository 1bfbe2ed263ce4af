# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a configuration, all at once: which setting, what is wrong, what is wanted; never a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustpub.errors import Misuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One of them."""

    where: str
    """The setting, as whoever gave it would call it."""
    wrong: str
    """What goes on the sentence that begins with it, without a full stop."""
    wanted: str = ""
    """A whole sentence."""
    path: str = ""
    """The setting's name, where it is one and its value is what is wrong."""


def complaint(faults: Sequence[Fault]) -> Misuse:
    """All of them in one error."""
    if len(faults) == 1:
        (only,) = faults
        return Misuse(f"{only.where} {only.wrong}.", hint=only.wanted or None)
    lines = [f"{len(faults)} settings cannot be used:"]
    for one in faults:
        lines.append(f"  {one.where} {one.wrong}." + (f" {one.wanted}" if one.wanted else ""))
    return Misuse("\n".join(lines), hint="trustpub admin settings shows what holds, and from where.")
