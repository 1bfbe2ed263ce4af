# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is registered: a publisher is one identity, linked to the projects it may publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One project that a publisher may publish."""

    project_id: str
    """UUID, given when the name was registered, so that a token can be bound to a project not yet published."""

    project: str
    """The name as registered, for messages."""

    pending_until: int | None = None
    """Unix time up to which the name is held for a first release; None once the project is real."""

    def live(self, now: int) -> bool:
        """Whether the link may be used at ``now``: a pending one only until its time is up."""
        return self.pending_until is None or now < self.pending_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A registered identity: issuer, kind and fields, as its provider names them.

    For kind ``github`` the fields are ``repository`` (``owner/name``), ``workflow`` (a file name) and, where
    given, ``environment``, ``owner_id`` and ``repository_id``.
    """

    id: str
    issuer: str
    kind: str
    fields: Mapping[str, str]
    links: tuple[Link, ...] = field(default=())
    pin_on_first_use: bool = False
    """Ids not yet known are taken from the first identity that is trusted, in the transaction of its mint."""

    @property
    def pending(self) -> bool:
        """Whether none of its projects is real yet."""
        return bool(self.links) and all(link.pending_until is not None for link in self.links)
