# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The actions that a release uses, pinned to the commits of their newest versions as of :data:`AS_OF`.

A tag can be moved, a commit cannot. `trustpub init --update` asks GitHub for newer ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AS_OF = "2026-11-21"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An action at a commit."""

    action: str
    """``owner/name``."""
    commit: str
    version: str
    """The tag that the commit has, for people and for tools that look for newer ones."""

    @property
    def uses(self) -> str:
        """As a step has it."""
        return f"{self.action}@{self.commit} # {self.version}"


_PINS = (
    Pin(action="actions/checkout", commit="3d3c42e5aac5ba805825da76410c181273ba90b1", version="v7.0.1"),
    Pin(action="actions/setup-python", commit="5fda3b95a4ea91299a34e894583c3862153e4b97", version="v7.0.0"),
    Pin(action="actions/upload-artifact", commit="043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", version="v7.0.1"),
    Pin(action="actions/download-artifact", commit="3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", version="v8.0.1"),
    Pin(action="pypa/gh-action-pypi-publish", commit="dc37677b2e1c63e2034f94d8a5b11f265b73ba33", version="v1.14.2"),
    Pin(action="pypa/cibuildwheel", commit="294735312765b09d24a2fbec22660ce817587d55", version="v4.1.0"),
)
PINS: Mapping[str, Pin] = {pin.action: pin for pin in _PINS}
"""By action."""
