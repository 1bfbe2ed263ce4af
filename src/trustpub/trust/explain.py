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
    "repository": "publish from the registered repository, or register this one",
    "namespace": "publish from the registered group, or register this one",
    "project": "publish from the registered project, or register this one",
    "organization": "publish from the registered organization, or register this one",
    "email": "let the job run as the registered service account, or register this one",
    "workflow": "publish from the registered workflow file, or register this one",
    "calling_workflow": "start the run from the registered workflow file, or register this one",
    "workflow_filepath": "publish from the registered CI file, or register this one",
    "environment": "set the publishing job's `environment:` to the registered one, or register another",
    "event": "let another event start the run, or register this one if it may",
    "ref": "publish from a branch or tag that the registered pattern allows",
    "ref_protected": "protect the branch or tag in the forge",
    "runner": "let the registered kind of runner run the job",
    "builder": "only the platform's own publishing step may publish",
    "registration": "register the pending publisher again",
}
"""What would help, by field."""

_ID_UNKNOWN = "register this id, or let it be pinned at the first use"
_ID_MISSING = "its provider put none into the token"
_ID_OTHER = "another one has the name now: if you know why, remove the publisher and register it anew"

_NAMES = frozenset({"repository", "namespace", "project", "organization", "email"})
"""Fields that say whose identity is meant, in names."""

_FORBIDDEN_EVENTS = {
    "pull_request_target": "it acts for whoever opens a pull request: let a push, a release or a person start the run",
}

_NOBODY = "valid token, but no corresponding publisher"
_REBORN = "what publishes was re-created or transferred since the publisher was registered"

_MOST = 300
"""Characters of one value: enough for any that is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Sentences, and the fields they speak of."""

    text: str
    mismatches: tuple[Mismatch, ...] = ()


def for_caller(refused: Refused, identity: Identity) -> Explanation:
    """What the job may know: about the nearest publisher only.

    Wanted values where every id equals a pinned one. That it was re-created or transferred, and no more, where a
    pinned id differs. Else nothing is proven but the name: which fields differ, and what was given.
    """
    if refused.tie:
        return Explanation(text="valid token, but several publishers match it and none is more specific")
    if not refused.near_misses:
        return Explanation(text=f"{_NOBODY} is registered")
    miss = refused.near_misses[0]
    anchors, pinned = identity.anchors(miss.publisher), miss.publisher.fields
    reborn = [name for name, given in anchors.items() if name in pinned and pinned[name] != given]
    if reborn:
        return Explanation(text=f"{_NOBODY}: {_REBORN}", mismatches=tuple(Mismatch(field=name) for name in reborn))
    proven = bool(anchors) and all(name in pinned for name in anchors)
    if not proven and any(check.field in _NAMES for check in miss.failed):
        return Explanation(text=f"{_NOBODY} is registered")
    mismatches = tuple(
        Mismatch(field=check.field, given=check.given, wanted=check.wanted if proven else None) for check in miss.failed
    )
    clauses = [_clause(check, _mend(check, miss, identity), wanted=proven) for check in miss.failed]
    return Explanation(text=f"{_NOBODY}: " + "; ".join(clauses), mismatches=mismatches)


def for_maintainer(refused: Refused, identity: Identity) -> Sequence[str]:
    """Everything, the nearest first: a line per publisher, or per project where only the rules of projects fail."""
    if refused.tie:
        names = ", ".join(publisher.id for publisher in refused.tie)
        return (f"{len(refused.tie)} publishers match equally well ({names}): remove all but one",)
    if not refused.near_misses:
        return (f"no {identity.kind} publisher of {printable(identity.issuer)} comes near this identity",)
    return tuple(line for miss in refused.near_misses for line in _lines(miss, identity))


def _lines(miss: NearMiss, identity: Identity) -> Sequence[str]:
    names = ", ".join(link.project for link in miss.publisher.links) or "no project"
    found = [(one.link.project, one.failed) for one in miss.withheld] or [(names, miss.failed)]
    return [
        f"{printable(projects)}: " + "; ".join(_clause(one, _mend(one, miss, identity), wanted=True) for one in failed)
        for projects, failed in found
    ]


def _mend(check: Check, miss: NearMiss, identity: Identity) -> str | None:
    if check.field in identity.anchors(miss.publisher):
        if check.given is None:
            return _ID_MISSING
        return _ID_OTHER if check.field in miss.publisher.fields else _ID_UNKNOWN
    if check.field == "event" and check.given in _FORBIDDEN_EVENTS:
        return _FORBIDDEN_EVENTS[check.given]
    return _MENDS.get(check.field)


def _clause(check: Check, mend: str | None, *, wanted: bool) -> str:
    given = "nothing" if check.given is None else f"'{printable(check.given, _MOST)}'"
    sentence = f"{printable(check.field, _MOST)} is {given}"
    if wanted:
        sentence += f", wanted '{printable(check.wanted, _MOST)}'"
    return f"{sentence} ({mend})" if mend else sentence
