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
from dataclasses import replace

from trustpub.index.kept import Attempt
from trustpub.index.ports import Writing
from trustpub.trust import explain
from trustpub.trust.decision import Identity, NearMiss, Refused
from trustpub.trust.publishers import Link

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


def note(
    writing: Writing, refused: Refused, identity: Identity, seen: Mapping[str, str], peer: str, now: float
) -> None:
    """Store a refused identity with every project it came near, or with none; the same again is counted.

    Each project is told of its own publishers only.

    Args:
        writing: the transaction.
        refused: why.
        identity: whose.
        seen: claims worth keeping.
        peer: the address that asked.
        now: Unix time.
    """
    claims = fitting(seen)
    for project_id, reasons in _near(refused, identity):
        attempt = Attempt(
            id=str(uuid.uuid4()),
            project_id=project_id,
            issuer=identity.issuer,
            kind=identity.kind,
            digest=_digest(identity, reasons),
            claims=claims,
            reasons=reasons,
            first=now,
            last=now,
            count=1,
            peer=peer,
        )
        writing.note_attempt(attempt, most=UNATTACHED if project_id is None else PER_PROJECT)


def fitting(seen: Mapping[str, str]) -> dict[str, str]:
    """As many of these claims, each cut to :data:`MAX_CLAIM`, in order, as fit into :data:`MAX_CLAIMS_BYTES`."""
    kept: dict[str, str] = {}
    for name, whole in seen.items():
        value = whole[:MAX_CLAIM]
        if len(json.dumps({**kept, name: value})) <= MAX_CLAIMS_BYTES:
            kept[name] = value
    return kept


def _near(refused: Refused, identity: Identity) -> Iterator[tuple[str | None, Sequence[str]]]:
    """Ids of projects, and what their publishers wanted."""
    if refused.tie:
        reasons = explain.for_maintainer(refused, identity)
        for project_id in dict.fromkeys(link.project_id for one in refused.tie for link in one.links):
            yield project_id, reasons
        return
    found: dict[str, list[NearMiss]] = {}
    for miss in refused.near_misses[:MAX_NEAR]:
        for link in miss.publisher.links:
            found.setdefault(link.project_id, []).append(_of_one_project(miss, link))
    for project_id, misses in found.items():
        lines = explain.for_maintainer(Refused(near_misses=tuple(misses)), identity)
        yield project_id, [line[:_MAX_REASON_CHARS] for line in lines[:MAX_REASONS]]
    if not found:
        lines = explain.for_maintainer(refused, identity)
        yield None, [line[:_MAX_REASON_CHARS] for line in lines[:MAX_REASONS]]


def _of_one_project(miss: NearMiss, link: Link) -> NearMiss:
    """As the project knows its publisher: the names and the rules of the others are not its to read."""
    withheld = tuple(one for one in miss.withheld if one.link.project_id == link.project_id)
    return replace(miss, publisher=replace(miss.publisher, links=(link,)), withheld=withheld)


def _digest(identity: Identity, reasons: Sequence[str]) -> str:
    """What makes another attempt the same: who it was, and what differed.

    Not every claim: a run has an id of its own, and one job that is started again each hour would fill the list.
    """
    same = json.dumps([identity.issuer, identity.kind, identity.subject, list(reasons)])
    return hashlib.sha256(same.encode()).hexdigest()
