# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The decision: given signed claims and registered publishers, who is trusted, and if nobody, why exactly?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from trustpub.trust.globs import matches
from trustpub.trust.publishers import Link, Publisher, Rules

REGISTRATION = "registration"
"""The field of a check that fails where a publisher is the job, and has no project that it could publish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing a publisher demands, beside what the identity says."""

    field: str
    wanted: str
    given: str | None
    """None: the identity says nothing about it."""
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How a run came about, as far as its provider says: what rules are about."""

    ref: str | None = None
    """Whole, as ``refs/heads/main``."""
    ref_protected: bool | None = None
    event: str | None = None
    runner: str | None = None


class Identity(Protocol):
    """Who a job is, in the words of its provider."""

    @property
    def issuer(self) -> str:
        """The verified ``iss``."""

    @property
    def kind(self) -> str:
        """Which provider's claims these are."""

    @property
    def subject(self) -> str:
        """What the job belongs to, as its forge spells it: a repository, a project path, an account."""

    @property
    def lookups(self) -> frozenset[str]:
        """Every text under which a publisher that means this identity may be filed."""

    @property
    def circumstances(self) -> Circumstances:
        """How the run came about."""

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """Ids that are never given to anybody else, by field name, as this identity has them."""

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Everything ``publisher`` demands of this identity, the most telling first; never empty."""

    def specificity(self, publisher: Publisher) -> int:
        """Among publishers that hold, the one with the highest is the one that is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A project of the publisher that this run may not publish, and why."""

    link: Link
    failed: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """One publisher holds, and the identity may publish these of its projects."""

    publisher: Publisher
    links: tuple[Link, ...]
    """Never empty."""
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A publisher that does not hold, and in what."""

    publisher: Publisher
    failed: tuple[Check, ...]
    withheld: tuple[Withheld, ...] = ()
    """Where only rules fail: for each project, which of its rules."""


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
    prove nothing (RFC 8725 section 3.8). Among those that hold, the most specific is meant; of its projects the
    identity may publish those whose rules the run keeps.
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
        return Refused(near_misses=tuple(sorted(missed, key=lambda miss: _distance(identity, miss))))
    highest = max(identity.specificity(publisher) for publisher in held)
    meant = [publisher for publisher in held if identity.specificity(publisher) == highest]
    if len(meant) > 1:
        return Refused(tie=tuple(sorted(meant, key=lambda publisher: publisher.id)))
    return _may_publish(identity, meant[0], now)


def compared(identity: Identity, publisher: Publisher, link: Link) -> tuple[Check, ...]:
    """Everything that is compared before this identity may publish the project of ``link``, whether it holds or not."""
    return (*identity.checks(publisher), *_rule_checks(identity.circumstances, link.rules))


def _distance(identity: Identity, miss: NearMiss) -> tuple[int, int, str]:
    """What tells the nearest: how many ids differ, then how much else does; the rest is for a lasting order.

    Nothing of who the job is differs from a publisher that only lacks a project.
    """
    anchors = identity.anchors(miss.publisher)
    others = sum(check.field in anchors for check in miss.failed)
    return others, sum(check.field != REGISTRATION for check in miss.failed), miss.publisher.id


def _failed(identity: Identity, publisher: Publisher, now: int) -> tuple[Check, ...]:
    checks = identity.checks(publisher)
    if not checks:
        # Empty means no: a publisher that demands nothing would trust everybody.
        return (Check(field="publisher", wanted="at least one field", given=None, holds=False),)
    failed = tuple(check for check in checks if not check.holds)
    if not failed and not any(link.live(now) for link in publisher.links):
        wanted = "a project, or a pending registration whose time is not up"
        return (Check(field=REGISTRATION, wanted=wanted, given=None, holds=False),)
    return failed


def _may_publish(identity: Identity, publisher: Publisher, now: int) -> Trusted | Refused:
    links: list[Link] = []
    withheld: list[Withheld] = []
    for link in publisher.links:
        if not link.live(now):
            continue
        failed = tuple(check for check in _rule_checks(identity.circumstances, link.rules) if not check.holds)
        if failed:
            withheld.append(Withheld(link=link, failed=failed))
        else:
            links.append(link)
    if not links:
        checks = dict.fromkeys(check for one in withheld for check in one.failed)
        return Refused(near_misses=(NearMiss(publisher=publisher, failed=tuple(checks), withheld=tuple(withheld)),))
    return Trusted(publisher=publisher, links=tuple(links), withheld=tuple(withheld))


def _rule_checks(run: Circumstances, rules: Rules) -> Iterator[Check]:
    """What the provider does not say about a run does not hold."""
    if rules.ref is not None:
        holds = run.ref is not None and matches(rules.ref, run.ref)
        yield Check(field="ref", wanted=rules.ref, given=run.ref, holds=holds)
    if rules.protected_ref:
        given = None if run.ref_protected is None else str(run.ref_protected).lower()
        yield Check(field="ref_protected", wanted="true", given=given, holds=run.ref_protected is True)
    if rules.events:
        wanted = " or ".join(rules.events)
        yield Check(field="event", wanted=wanted, given=run.event, holds=run.event in rules.events)
    if rules.runner is not None:
        yield Check(field="runner", wanted=rules.runner, given=run.runner, holds=run.runner == rules.runner)
