# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where an identity and a publisher differ, with as much of it as the reader may see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A field that differs. ``None``: not to be told, or not there."""

    field: str
    given: str | None = None
    wanted: str | None = None
