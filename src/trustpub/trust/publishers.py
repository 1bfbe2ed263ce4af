# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is registered: a publisher is one identity, linked to the projects it may publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a run must be, beyond being the publisher's, to publish one project. None of them: any run may."""

    ref: str | None = None
    """A pattern (:mod:`trustpub.trust.globs`) for the whole ref, as ``refs/tags/v*``."""
    protected_ref: bool = False
    """The forge must say that the ref is protected."""
    events: tuple[str, ...] = ()
    """What may have started the run, in the provider's words; none named: anything its provider does not forbid."""
    runner: str | None = None
    """What kind of machine must have run it, in the provider's words, as ``github-hosted``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One project that a publisher may publish."""

    project_id: str
    """UUID, given when the name was registered, so that a token can be bound to a project not yet published."""

    project: str
    """The name as registered, for messages."""

    pending_until: int | None = None
    """Unix time up to which the name is held for a first release; None once the project is real."""

    rules: Rules = Rules()

    def live(self, now: int) -> bool:
        """Whether the link may be used at ``now``: a pending one only until its time is up."""
        return self.pending_until is None or now < self.pending_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A registered identity: issuer, kind and fields, as its provider names and spells them.

    The fields of a kind are those of its :class:`trustpub.trust.provider.Provider`. Those of a generic one are claims:
    a name or a JSON Pointer, with the value that is wanted as compact JSON.
    """

    id: str
    issuer: str
    kind: str
    fields: Mapping[str, str]
    immutable: tuple[str, ...] = ()
    """For the generic kind: those of the fields that are ids and never given to anybody else."""
    links: tuple[Link, ...] = field(default=())
    pin_on_first_use: bool = False
    """Ids not yet known are taken from the first identity that is trusted, in the transaction of its mint."""

    @property
    def pending(self) -> bool:
        """Whether none of its projects is real yet."""
        return bool(self.links) and all(link.pending_until is not None for link in self.links)
