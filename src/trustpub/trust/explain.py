# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A refusal in words: one rendering for the caller, one for those who registered the publishers.

The caller has proven to be a job of its repository, and nothing more. It sees what it gave itself. What a publisher
wants it sees only if every anchor (an id that is never given again) equals a pinned one: then it is the very
repository that was registered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustpub.printable import printable
from trustpub.trust.decision import Check, Identity, NearMiss, Refused
from trustpub.trust.mismatch import Mismatch

_MENDS = {
    "workflow": "publish from the registered workflow file, or register this one",
    "calling_workflow": "start the run from the registered workflow file, or register this one",
    "environment": "set the publishing job's `environment:` to the registered one, or register another",
    "event": "let another event start the run, or register this one if it may",
    "ref": "publish from a branch or tag that the registered pattern allows",
    "ref_protected": "protect the branch or tag in the forge",
    "runner": "let the registered kind of runner run the job",
    "registration": "register the pending publisher again",
}

_REBORN = "what publishes was re-created or transferred since the publisher was registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Sentences, and the fields they speak of."""

    text: str
    mismatches: tuple[Mismatch, ...] = ()


def for_caller(refused: Refused, identity: Identity) -> Explanation:
    """What the job may know: about the nearest publisher only."""
    if refused.tie:
        return Explanation(text="valid token, but several publishers match it and none is more specific")
    if not refused.near_misses:
        return Explanation(text="valid token, but no corresponding publisher is registered")
    miss = refused.near_misses[0]
    anchors = identity.anchors(miss.publisher)
    reborn = [name for name, given in anchors.items() if miss.publisher.fields.get(name, given) != given]
    if reborn:
        mismatches = tuple(Mismatch(field=name) for name in reborn)
        return Explanation(text=f"valid token, but no corresponding publisher: {_REBORN}", mismatches=mismatches)
    proven = bool(anchors) and all(name in miss.publisher.fields for name in anchors)
    mismatches = tuple(
        Mismatch(field=check.field, given=check.given, wanted=check.wanted if proven else None) for check in miss.failed
    )
    clauses = [_clause(check, wanted=proven) for check in miss.failed]
    return Explanation(text="valid token, but no corresponding publisher: " + "; ".join(clauses), mismatches=mismatches)


def for_maintainer(refused: Refused, identity: Identity) -> Sequence[str]:
    """Everything, a line per publisher, the nearest first."""
    if refused.tie:
        names = ", ".join(publisher.id for publisher in refused.tie)
        return (f"{len(refused.tie)} publishers match equally well ({names}): remove all but one",)
    if not refused.near_misses:
        return (f"no {identity.kind} publisher of {identity.issuer} comes near this identity",)
    return tuple(_line(miss) for miss in refused.near_misses)


def _line(miss: NearMiss) -> str:
    projects = ", ".join(link.project for link in miss.publisher.links) or "no project"
    return f"{projects}: " + "; ".join(_clause(check, wanted=True) for check in miss.failed)


def _clause(check: Check, *, wanted: bool) -> str:
    given = "nothing" if check.given is None else f"'{printable(check.given, 300)}'"
    sentence = f"{check.field} is {given}"
    if wanted:
        sentence += f", wanted '{printable(check.wanted, 300)}'"
    mend = _MENDS.get(check.field)
    return f"{sentence} ({mend})" if mend else sentence
