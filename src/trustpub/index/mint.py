# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Minting: an identity token in, a short-lived upload token out. And burning one when the job is done."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from trustpub.errors import TrustpubError
from trustpub.index import attempts, letters
from trustpub.index.credentials import root_key
from trustpub.index.identity import CLAIM_MARGIN, LEEWAY
from trustpub.index.kept import Event, Token, Use
from trustpub.index.limits import Limits
from trustpub.index.metering import UNMETERED, Meter
from trustpub.index.ports import Clock, Exchange, Keys, Reading, SecretKeys, Store, Writing
from trustpub.index.proof import MustWait, Proof, Proven, Unproven, refusal
from trustpub.index.settings import Settings
from trustpub.protocol.exchange import BadBody, Minted, MintRequest, Problem, read_mint, read_token, write_mismatches
from trustpub.protocol.scopes import UPLOAD
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import Caveat, Expiry, ProjectIds, PublisherId, values, write_values
from trustpub.trust import explain
from trustpub.trust.decision import REGISTRATION, Identity, NearMiss, Refused, Trusted, Withheld, decide
from trustpub.trust.mismatch import Mismatch

REPEAT_SECONDS = 60
"""How long an answer that was lost may be asked for again."""

_REUSED = refusal("invalid-reuse-token", "this identity token was used already; ask for a new one")


class _Refuse(Exception):
    """Ends the minting transaction without a trace in it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """A request: from where, which, and when."""

    peer: str
    body_sha256: str
    now: float

    @classmethod
    def of(cls, body: bytes, peer: str, now: float) -> _Asking:
        return cls(peer=peer, body_sha256=hashlib.sha256(body).hexdigest(), now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request whose identity is proven."""

    proven: Proven
    asking: _Asking
    foreseen: _Foreseen | None
    """None: it is decided in its transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Foreseen:
    """What becomes of a request if nothing it was decided on changes before that is written."""

    exchange: Exchange
    answer: Minted


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProject:
    """A project that a token would be for."""

    name: str
    pending: bool
    """Whether its first upload is still to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedProject:
    """A project of the publisher that this run may not publish."""

    name: str
    mismatches: tuple[Mismatch, ...]
    """Which rules it does not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What a mint would give."""

    publisher_id: str
    projects: tuple[OpenProject, ...]
    withheld: tuple[ClosedProject, ...]
    expires_in: int
    """Seconds that the token would live."""

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "success": True,
            "publisher": self.publisher_id,
            "projects": [{"name": one.name, "pending": one.pending} for one in self.projects],
            "withheld": [{"name": one.name, "mismatches": write_mismatches(one.mismatches)} for one in self.withheld],
            "expires_in": self.expires_in,
        }


class Mint:
    """``POST /_/oidc/mint-token``, ``POST /_/oidc/burn-token`` and ``POST /api/v1/preflight``."""

    def __init__(
        self,
        *,
        store: Store,
        keys: Keys,
        root_keys: SecretKeys,
        settings: Settings,
        clock: Clock,
        limits: Limits,
        meter: Meter = UNMETERED,
    ) -> None:
        self._store = store
        self._root_keys = root_keys
        self._settings = settings
        self._clock = clock
        self._limits = limits
        self._meter = meter
        self._proof = Proof(store=store, keys=keys, audience=settings.audience, limits=limits)

    def mint(self, body: bytes, peer: str) -> Minted | Problem:
        """Exchange the identity token in ``body`` for an upload token. ``peer``: the client's address, or empty.

        The order is security: nothing of the token is believed before step 5, nothing is written before step 9,
        and a refusal uses nothing up, so that a publisher can be mended and the same job tried again.

        1. the body holds a token
        2. the token names an issuer and a key
        3. the issuer is one this index believes
        4. the issuer's key is at hand
        5. signature, issuer, audience and times hold
        6. the claims describe an identity
        7. publishers that could be meant are looked up
        8. the decision
        9. used up, pinned, minted, noted, in the transaction of 7 and 8: nobody can change a publisher in between.
           Where statements are trips, 7 and 8 may come before it, and 9 is one statement that does nothing if any of
           what they found has changed
        10. the answer
        """
        now = self._clock()
        proven = self._proof.of(body, read_mint, peer, now)  # 1 to 6
        if isinstance(proven, Unproven):
            self._count(proven.provider, proven.problem)
            return proven.problem
        asking, foreseen = _Asking.of(body, peer, now), None
        if self._store.foresees:
            with self._store.read() as reading:
                foreseen = self._foresee(reading, proven, asking)
        (answer,) = self._settle([_Asked(proven=proven, asking=asking, foreseen=foreseen)])
        self._count(proven.identity.kind, answer)
        if isinstance(answer, Exception):
            raise answer
        return answer  # 10

    def mint_together(self, asked: Sequence[tuple[bytes, str]]) -> Sequence[Minted | Problem | Exception | None]:
        """:meth:`mint` for requests, a body and a peer each, that came at the same time: one commit for all of them.

        Each has an answer of its own; where something happened that should not, that is in its place. None: an issuer
        has to be asked for its keys, for which nobody else shall wait; hand this request to :meth:`mint`.
        """
        now = self._clock()
        answers: dict[int, Minted | Problem | Exception | None] = {}
        proven: dict[int, _Asked] = {}
        with self._store.read() as reading:
            for number, (body, peer) in enumerate(asked):
                try:
                    found = self._proof.of(body, read_mint, peer, now, reading)  # 1 to 6
                    if isinstance(found, Unproven):
                        self._count(found.provider, found.problem)
                        answers[number] = found.problem
                        continue
                    asking = _Asking.of(body, peer, now)
                    foreseen = self._foresee(reading, found, asking) if self._store.foresees else None
                    proven[number] = _Asked(proven=found, asking=asking, foreseen=foreseen)
                except MustWait:
                    answers[number] = None
                except Exception as error:  # noqa: BLE001 - one request's bug is not another's
                    self._count("", error)
                    answers[number] = error
        settled = self._settle(list(proven.values()))
        for (number, asked_one), answer in zip(proven.items(), settled, strict=True):
            self._count(asked_one.proven.identity.kind, answer)
            answers[number] = answer
        return [answers[number] for number in range(len(asked))]

    def preflight(self, body: bytes, peer: str) -> Preflight | Problem:
        """What :meth:`mint` would answer now, as far as publishers go; nothing is used up, pinned, minted or kept.

        It counts like a mint where it is refused, and says no more than one.
        """
        now = self._clock()
        proven = self._proof.of(body, lambda sent: MintRequest(token=read_token(sent)), peer, now)
        if isinstance(proven, Unproven):
            return proven.problem
        with self._store.read() as reading:
            verdict = _decide(reading, proven, now)
        if isinstance(verdict, Refused):
            self._limits.refused(proven.identity.issuer, proven.identity.subject, now)
            return _told(verdict, proven)
        return Preflight(
            publisher_id=verdict.publisher.id,
            projects=tuple(
                OpenProject(name=link.project, pending=link.pending_until is not None) for link in verdict.links
            ),
            withheld=tuple(
                ClosedProject(
                    name=one.link.project,
                    mismatches=explain.for_caller(_as_refused(verdict, one), proven.identity).mismatches,
                )
                for one in verdict.withheld
            ),
            expires_in=proven.issuer.terms.token_lifetime,
        )

    def burn(self, body: bytes) -> Problem | None:
        """Revoke the minted token in ``body``, at once and for good. Never says whether it was one.

        Who holds a token may end it: its signature is the authorisation, and nothing else is asked for.
        """
        try:
            token = read_token(body)
        except BadBody as fault:
            return refusal("invalid-payload", str(fault))
        try:
            parsed = macaroon.parse(token)
        except macaroon.BadMacaroon:
            return None
        with self._store.read() as reading:
            row = reading.token(parsed.identifier)
        if row is None or row.publisher_id is None or row.burned is not None:
            return None
        root = self._root_keys.root_of(row.key_id, row.id)
        if root is None or not parsed.signed_by(root):
            return None
        now = self._clock()
        with self._store.write() as writing:
            writing.burn(row.id, int(now))
            facts = {"token": row.id}
            writing.add_event(
                Event(at=now, kind="token-burned", project_id=None, publisher_id=row.publisher_id, facts=facts)
            )
        self._meter.burned()
        return None

    def _count(self, provider: str, answer: Minted | Problem | Exception) -> None:
        if isinstance(answer, Minted):
            self._meter.minted(provider, "minted")
        else:
            self._meter.minted(provider, answer.code if isinstance(answer, Problem) else "internal-error")

    def _settle(self, asked: Sequence[_Asked]) -> Sequence[Minted | Problem | Exception]:
        """Steps 7 to 9 for each, and a note of each that is refused for those who registered the nearest publishers.

        The attempt is the note. An event for the first one beside it would say the same twice.
        """
        answers = self._at_once(asked)
        left = [number for number in range(len(asked)) if number not in answers]
        grants = [partial(self._grant, asked=asked[number]) for number in left]
        notes: dict[int, Callable[[Writing], None]] = {}
        for number, granted in zip(left, self._store.transact_all(grants), strict=True):
            proven, asking = asked[number].proven, asked[number].asking
            if isinstance(granted, Refused):
                notes[number] = partial(_note_attempt, refused=granted, proven=proven, asking=asking)
                answers[number] = _told(granted, proven)
            else:
                answers[number] = granted.problem if isinstance(granted, _Refuse) else granted
            if isinstance(answers[number], Problem):
                self._limits.refused(proven.identity.issuer, proven.identity.subject, asking.now)
        for number, noted in zip(notes, self._store.transact_all(list(notes.values())), strict=True):
            if noted is not None:
                answers[number] = noted
        return [answers[number] for number in range(len(asked))]

    def _at_once(self, asked: Sequence[_Asked]) -> dict[int, Minted | Problem | Exception]:
        """Answers, by number, to those that came out as they were foreseen, and now are so; durably."""
        foreseen = {number: one.foreseen for number, one in enumerate(asked) if one.foreseen is not None}
        if not foreseen:
            return {}
        try:
            written = self._store.exchange([one.exchange for one in foreseen.values()])
        except TrustpubError as error:
            return dict.fromkeys(foreseen, error)
        return {number: one.answer for number, one in foreseen.items() if one.exchange.token.id in written}

    def _foresee(self, reading: Reading, proven: Proven, asking: _Asking) -> _Foreseen | None:
        """Steps 7 and 8, and what 9 would write. None: something is not as usual, and is for the transaction."""
        verdict = _decide(reading, proven, asking.now)
        if isinstance(verdict, Refused) or _unpinned(verdict, proven):
            return None
        projects = [link.project_id for link in verdict.links]
        if letters.untold_of_environment(reading, verdict.publisher, projects, proven.seen, asking.now):
            return None
        exchange = self._exchange(verdict, proven, asking)
        return _Foreseen(exchange=exchange, answer=self._minted(exchange.token))

    def _grant(self, writing: Writing, asked: _Asked) -> Minted | Refused | Problem:
        """Steps 7 to 9. Raises :class:`_Refuse` where something was written already."""
        proven, now = asked.proven, asked.asking.now
        # Something was not as foreseen: it may be what was looked at before step 7.
        if asked.foreseen is not None and (problem := self._proof.still(writing, proven)) is not None:
            return problem
        verdict = _decide(writing, proven, now)
        if isinstance(verdict, Refused):
            return verdict
        exchange = self._exchange(verdict, proven, asked.asking)
        earlier = writing.claim(exchange.use)
        if earlier is not None:
            return self._repeat(writing, verdict, proven, earlier, exchange.use)
        _pin(writing, verdict, proven, now)
        writing.add_token(exchange.token)
        for event in exchange.events:
            writing.add_event(event)
        granted = [link.project_id for link in verdict.links]
        letters.ignored_environment(writing, verdict.publisher, granted, proven.seen, now)
        return self._minted(exchange.token)

    def _exchange(self, verdict: Trusted, proven: Proven, asking: _Asking) -> Exchange:
        """What this verdict comes to, but for what is pinned and who is written to."""
        now = asking.now
        row = self._row(verdict, proven, now)
        use = Use(
            issuer=proven.identity.issuer,
            key=proven.once,
            expires=proven.expires + LEEWAY + CLAIM_MARGIN,
            token_id=row.id,
            at=now,
            peer=asking.peer,
            body_sha256=asking.body_sha256,
        )
        facts = {**proven.seen, **_told_of(row), "peer": asking.peer}
        events = _events(verdict, "token-minted", facts, now, proven.identity)
        events += [_withheld(verdict, one, proven, now) for one in verdict.withheld]
        return Exchange(issuer=proven.issuer, publisher=verdict.publisher, use=use, token=row, events=events)

    def _repeat(self, writing: Writing, verdict: Trusted, proven: Proven, earlier: Use, use: Use) -> Minted | Problem:
        """The very same token once more, for a job whose connection broke before it had the answer.

        A token may be told twice only to whoever was told it first, as far as can be known: the address, the whole
        request and the time are the same. And only while it can be no surprise to anybody: it has uploaded nothing,
        was not burned, and would be given for the same projects now.
        """
        same = earlier.peer == use.peer and earlier.body_sha256 == use.body_sha256
        if not (use.peer and same and 0 <= use.at - earlier.at < REPEAT_SECONDS):
            return _REUSED
        row = writing.token(earlier.token_id)
        if row is None or row.used is not None or row.burned is not None:
            return _REUSED
        if row.publisher_id != verdict.publisher.id or row.key_id != self._root_keys.key_id:
            return _REUSED
        if row.scope == UPLOAD and not _still_for(row, verdict):
            return _REUSED
        facts = {**proven.seen, **_told_of(row), "peer": use.peer}
        for event in _events(verdict, "token-repeated", facts, use.at):
            writing.add_event(event)
        return self._minted(row)

    def _row(self, verdict: Trusted, proven: Proven, now: float) -> Token:
        publisher, start = verdict.publisher, math.floor(now)
        expires = math.ceil(now) + proven.issuer.terms.token_lifetime
        caveats: tuple[Caveat, ...] = (Expiry(expires_at=expires, not_before=start),)
        # A job reads what its project is built from, which is seldom its own: like a person, it reads all there is.
        if proven.scope == UPLOAD:
            projects = ProjectIds(tuple(link.project_id for link in verdict.links))
            caveats = (PublisherId(publisher.id), projects, *caveats)
        return Token(
            id=_token_id(now),
            key_id=self._root_keys.key_id,
            location=self._settings.host,
            publisher_id=publisher.id,
            user_id=None,
            description=f"{proven.identity.subject[:200]} {publisher.fields.get('workflow', '')}".strip(),
            caveats=tuple(values(caveat) for caveat in caveats),
            scope=proven.scope,
            created=start,
            expires=expires,
            single_use=proven.single_use,
            claims=proven.seen,
        )

    def _minted(self, row: Token) -> Minted:
        """The token of this row. It is computed whenever it is told, and never stored."""
        signed = macaroon.create(
            location=row.location,
            identifier=row.id,
            root_key=root_key(self._root_keys, row),
            caveats=tuple(write_values(one) for one in row.caveats),
        )
        return Minted(token=signed.serialize(), expires=row.expires, scope=row.scope)


def _told_of(row: Token) -> dict[str, Any]:
    """What an event says of a token. That it is for uploads goes without saying."""
    scope = {} if row.scope == UPLOAD else {"scope": row.scope}
    return {"token": row.id, "expires": row.expires, **scope}


def _still_for(row: Token, verdict: Trusted) -> bool:
    """Whether the projects of the token would all be given now."""
    granted = {project for tag, *fields in row.caveats if tag == ProjectIds.tag for project in fields[0]}
    return bool(granted) and granted.issubset(link.project_id for link in verdict.links)


def _token_id(now: float) -> str:
    """A UUID that begins with the time (RFC 9562 section 5.7): tokens of one minute are kept on the same few pages."""
    chance = uuid.uuid4().int & ((1 << 76) - 1) & ~(3 << 62)
    return str(uuid.UUID(int=(int(now * 1000) & ((1 << 48) - 1)) << 80 | 7 << 76 | 2 << 62 | chance))


def _decide(reading: Reading, proven: Proven, now: float) -> Trusted | Refused:
    identity = proven.identity
    candidates = reading.candidates(identity.issuer, identity.kind, identity.lookups)  # 7
    return decide(identity, candidates, math.floor(now))  # 8


def _told(refused: Refused, proven: Proven) -> Problem:
    told = explain.for_caller(refused, proven.identity)
    lapsed = [one.field for one in told.mismatches] == [REGISTRATION]
    return refusal("invalid-pending-publisher" if lapsed else "invalid-publisher", told.text, told.mismatches)


def _note_attempt(writing: Writing, *, refused: Refused, proven: Proven, asking: _Asking) -> None:
    tried = attempts.Tried(identity=proven.identity, claims=proven.claims, seen=proven.seen, peer=asking.peer)
    attempts.note(writing, refused, tried, asking.now)


def _pin(writing: Writing, verdict: Trusted, proven: Proven, now: float) -> None:
    """Freeze the ids that the publisher does not have yet, by compare-and-set."""
    ids = _unpinned(verdict, proven)
    if not ids:
        return
    if not writing.pin(verdict.publisher.id, ids):
        raise _Refuse(refusal("invalid-publisher", "valid token, but the publisher was pinned to other ids meanwhile"))
    for event in _events(verdict, "publisher-pinned", ids, now):
        writing.add_event(event)


def _unpinned(verdict: Trusted, proven: Proven) -> dict[str, str]:
    """Ids that the publisher is to have from its first identity, and does not have yet."""
    publisher = verdict.publisher
    if not publisher.pin_on_first_use:
        return {}
    anchors = proven.identity.anchors(publisher)
    return {name: value for name, value in anchors.items() if name not in publisher.fields and value is not None}


def _events(
    verdict: Trusted,
    kind: str,
    facts: Mapping[str, Any],
    now: float,
    identity: Identity | None = None,
) -> list[Event]:
    """An event for each project that the token is for, with the names of those it is not for.

    With ``identity``, each has what was compared before its project was granted.
    """
    if verdict.withheld:
        facts = {**facts, "withheld": [one.link.project for one in verdict.withheld]}
    publisher = verdict.publisher
    return [
        Event(
            at=now,
            kind=kind,
            project_id=link.project_id,
            publisher_id=publisher.id,
            facts=facts if identity is None else {**facts, **attempts.comparison(identity, publisher, link)},
        )
        for link in verdict.links
    ]


def _withheld(verdict: Trusted, one: Withheld, proven: Proven, now: float) -> Event:
    reasons: Iterable[str] = explain.for_maintainer(_as_refused(verdict, one), proven.identity)
    comparison = attempts.comparison(proven.identity, verdict.publisher, one.link)
    facts = {**proven.seen, "reasons": list(reasons), **comparison}
    return Event(
        at=now,
        kind="project-withheld",
        project_id=one.link.project_id,
        publisher_id=verdict.publisher.id,
        facts=facts,
    )


def _as_refused(verdict: Trusted, one: Withheld) -> Refused:
    """The same of one project alone, to be explained."""
    alone = replace(verdict.publisher, links=(one.link,))
    return Refused(near_misses=(NearMiss(publisher=alone, failed=one.failed),))
