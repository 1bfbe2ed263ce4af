# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Identities that were proven and refused, kept for those who registered what came near.

Nothing is kept of a token that proves nothing: anybody could fill the disk, or put words into an owner's view.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trustpub.index.kept import Attempt, Compared, Near
from trustpub.index.ports import Reading, Writing
from trustpub.printable import printable
from trustpub.trust import explain
from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.decision import Check, Identity, NearMiss, Refused, compared
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.proposal import moulded
from trustpub.trust.publishers import Link, Publisher

MAX_CLAIM = 300
"""Characters of one claim."""
MAX_CLAIMS_BYTES = 4096
"""Of all claims of one attempt together, as JSON."""
PER_PROJECT = 100
"""Attempts kept of one project."""
UNATTACHED = 1000
"""Attempts kept of those that came near no project; for administrators."""
MAX_NEAR = 10
"""Publishers, the nearest first, to whose projects one attempt is told."""
MAX_REASONS = 5
_MAX_REASON_CHARS = 2000
MAX_FIELDS_BYTES = 4096
"""Of the fields of a publisher to be registered, as JSON. They are kept whole or not at all: what is cut is another."""
MAX_COMPARED = 40
"""Things compared with one publisher that are kept; more are wanted by no publisher (``wanted.MAX_FIELDS``)."""


REFUSED_FACT = "refused-mints"
"""The lasting fact that says how many were refused on each day: what is kept of each is soon forgotten."""
COUNTED_DAYS = 90
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Who was refused."""

    identity: Identity
    claims: SignedClaims = field(repr=False)
    """All of them; what is kept is far less."""
    seen: Mapping[str, str]
    """Claims worth keeping."""
    peer: str
    """The address that asked."""


def note(writing: Writing, refused: Refused, tried: Tried, now: float) -> None:
    """Store a refused identity with every project it came near, or with none; the same again is counted.

    Each project is told of its own publishers only.

    Args:
        writing: the transaction.
        refused: why.
        tried: whose.
        now: Unix time.
    """
    identity = tried.identity
    claims, proposed = fitting(tried.seen), _proposed(tried)
    for project_id, reasons, near in _near(refused, tried):
        attempt = Attempt(
            id=str(uuid.uuid4()),
            project_id=project_id,
            issuer=identity.issuer,
            kind=identity.kind,
            digest=_digest(identity, reasons, proposed),
            claims=claims,
            reasons=reasons,
            first=now,
            last=now,
            count=1,
            peer=tried.peer,
            proposed=proposed,
            near=near,
        )
        writing.note_attempt(attempt, most=UNATTACHED if project_id is None else PER_PROJECT)
    _count(writing, now)


def refused_by_day(reading: Reading) -> Mapping[int, int]:
    """How many proven identities were refused on each of the last days (whole days since 1970, UTC)."""
    return {int(day): int(count) for day, count in json.loads(reading.fact(REFUSED_FACT) or "{}").items()}


def _count(writing: Writing, now: float) -> None:
    today = int(now) // _DAY_SECONDS
    kept = {day: count for day, count in refused_by_day(writing).items() if today - COUNTED_DAYS < day <= today}
    writing.set_fact(REFUSED_FACT, json.dumps({**kept, today: kept.get(today, 0) + 1}))


def comparison(identity: Identity, publisher: Publisher, link: Link) -> dict[str, Any]:
    """What was compared before a job was granted or denied the project of ``link``, as a fact of an event."""
    checks = compared(identity, publisher, link)[:MAX_COMPARED]
    return {"compared": [[one.field, _cut(one.wanted), _cut(one.given), one.holds] for one in checks]}


def fitting(seen: Mapping[str, str]) -> dict[str, str]:
    """As many of these claims, each cut to :data:`MAX_CLAIM`, in order, as fit into :data:`MAX_CLAIMS_BYTES`."""
    kept: dict[str, str] = {}
    for name, whole in seen.items():
        value = whole[:MAX_CLAIM]
        if len(json.dumps({**kept, name: value})) <= MAX_CLAIMS_BYTES:
            kept[name] = value
    return kept


def _near(refused: Refused, tried: Tried) -> Iterator[tuple[str | None, Sequence[str], Sequence[Near]]]:
    """Ids of projects, what their publishers wanted in words, and each comparison."""
    identity = tried.identity
    if refused.tie:
        reasons = explain.for_maintainer(refused, identity)
        for project_id in dict.fromkeys(link.project_id for one in refused.tie for link in one.links):
            links = [(one, link) for one in refused.tie for link in one.links if link.project_id == project_id]
            yield project_id, reasons, [_nearness(tried, one, link) for one, link in links[:MAX_REASONS]]
        return
    found: dict[str, list[NearMiss]] = {}
    for miss in refused.near_misses[:MAX_NEAR]:
        for link in miss.publisher.links:
            found.setdefault(link.project_id, []).append(_of_one_project(miss, link))
    for project_id, misses in found.items():
        lines = explain.for_maintainer(Refused(near_misses=tuple(misses)), identity)
        near = [
            _nearness(tried, one.publisher, one.publisher.links[0], one.failed, rules=bool(one.withheld))
            for one in misses
        ]
        yield project_id, [line[:_MAX_REASON_CHARS] for line in lines[:MAX_REASONS]], near[:MAX_REASONS]
    if not found:
        lines = explain.for_maintainer(refused, identity)
        yield None, [line[:_MAX_REASON_CHARS] for line in lines[:MAX_REASONS]], ()


def _nearness(
    tried: Tried, publisher: Publisher, link: Link, failed: Sequence[Check] = (), *, rules: bool = False
) -> Near:
    """Everything compared. ``failed``: among it what is found only by looking at all links, as a name held in vain."""
    checks = compared(tried.identity, publisher, link)
    fields = {check.field for check in checks}
    # With rules, those that failed are of every project of the publisher; this project's are among `checks`.
    beside = () if rules else tuple(check for check in failed if check.field not in fields)
    return Near(
        publisher_id=publisher.id,
        compared=tuple(
            Compared(field=one.field, wanted=_cut(one.wanted) or "", given=_cut(one.given), holds=one.holds)
            for one in (*checks, *beside)[:MAX_COMPARED]
        ),
        fields=_whole(moulded(publisher, tried.identity, tried.claims)),
    )


def _proposed(tried: Tried) -> Mapping[str, str]:
    try:
        return _whole(PROVIDERS[tried.identity.kind].propose(tried.claims))
    except BadClaim:
        return {}


def _whole(fields: Mapping[str, str]) -> Mapping[str, str]:
    """The fields, if all of them can be kept and shown as they are; else none."""
    fits = all(len(value) <= MAX_CLAIM and value.isprintable() for value in fields.values())
    return dict(fields) if fits and len(json.dumps(dict(fields))) <= MAX_FIELDS_BYTES else {}


def _cut(value: str | None) -> str | None:
    return None if value is None else printable(value, MAX_CLAIM)


def _of_one_project(miss: NearMiss, link: Link) -> NearMiss:
    """As the project knows its publisher: the names and the rules of the others are not its to read."""
    withheld = tuple(one for one in miss.withheld if one.link.project_id == link.project_id)
    return replace(miss, publisher=replace(miss.publisher, links=(link,)), withheld=withheld)


def _digest(identity: Identity, reasons: Sequence[str], proposed: Mapping[str, str]) -> str:
    """What makes another attempt the same: who it was, and what differed.

    Not every claim: a run has an id of its own, and one job that is started again each hour would fill the list.
    """
    who = [identity.issuer, identity.kind, identity.subject, list(reasons), sorted(proposed.items())]
    return hashlib.sha256(json.dumps(who).encode()).hexdigest()
