# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The decision: given signed claims and registered publishers, who is trusted, and if nobody, why exactly?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from trustpub.trust.publishers import Link, Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing a publisher demands, beside what the identity says."""

    field: str
    wanted: str
    given: str | None
    """None: the identity says nothing about it."""
    holds: bool


class Identity(Protocol):
    """Who a job is, in the words of its provider."""

    @property
    def issuer(self) -> str:
        """The verified ``iss``."""

    @property
    def kind(self) -> str:
        """Which provider's claims these are."""

    @property
    def anchors(self) -> Mapping[str, str | None]:
        """Ids that are never given to anybody else, by field name."""

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Everything ``publisher`` demands of this identity, the most telling first; never empty."""

    def specificity(self, publisher: Publisher) -> int:
        """Among publishers that hold, the one with the highest is the one that is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """One publisher holds, and the identity may publish these of its projects."""

    publisher: Publisher
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A publisher that does not hold, and in what."""

    publisher: Publisher
    failed: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nobody is trusted."""

    near_misses: tuple[NearMiss, ...] = ()
    """The nearest first."""
    tie: tuple[Publisher, ...] = ()
    """Publishers that all hold and of which none is more specific: which one is meant cannot be known."""


def decide(identity: Identity, publishers: Iterable[Publisher], now: int) -> Trusted | Refused:
    """Which of ``publishers`` this identity is at ``now`` (Unix seconds), or why it is none.

    A publisher is judged only against identities of its own issuer and kind: the same claims of another issuer
    prove nothing (RFC 8725 section 3.8). Among those that hold, the most specific wins, with all its projects.
    """
    held: list[Publisher] = []
    missed: list[NearMiss] = []
    for publisher in publishers:
        if (publisher.issuer, publisher.kind) != (identity.issuer, identity.kind):
            continue
        failed = _failed(identity, publisher, now)
        if failed:
            missed.append(NearMiss(publisher=publisher, failed=failed))
        else:
            held.append(publisher)
    if not held:
        return Refused(near_misses=tuple(sorted(missed, key=lambda miss: len(miss.failed))))
    highest = max(identity.specificity(publisher) for publisher in held)
    meant = [publisher for publisher in held if identity.specificity(publisher) == highest]
    if len(meant) > 1:
        return Refused(tie=tuple(meant))
    return Trusted(publisher=meant[0], links=_live(meant[0], now))


def _failed(identity: Identity, publisher: Publisher, now: int) -> tuple[Check, ...]:
    checks = identity.checks(publisher)
    if not checks:
        # Empty means no: a publisher that demands nothing would trust everybody.
        return (Check(field="publisher", wanted="at least one field", given=None, holds=False),)
    failed = tuple(check for check in checks if not check.holds)
    if not failed and not _live(publisher, now):
        wanted = "a project, or a pending registration whose time is not up"
        return (Check(field="registration", wanted=wanted, given=None, holds=False),)
    return failed


def _live(publisher: Publisher, now: int) -> tuple[Link, ...]:
    return tuple(link for link in publisher.links if link.live(now))
