# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Minting: an identity token in, a short-lived upload token out. And burning one when the job is done."""

from __future__ import annotations

import hashlib
import math
import uuid
from dataclasses import dataclass

from trustpub.index.identity import CLAIM_MARGIN, LEEWAY, verify
from trustpub.index.ports import Clock, Event, IssuerDown, Keys, NoSuchKey, Reading, Store, Token, Use, Writing
from trustpub.index.settings import Settings
from trustpub.protocol.exchange import BadBody, Minted, Problem, read_token
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import Caveat, Expiry, ProjectIds, PublisherId, values, write
from trustpub.tokens.keys import RootKeys
from trustpub.trust import explain
from trustpub.trust.claims import BadClaim, MalformedToken, SignedClaims, peek
from trustpub.trust.decision import Identity, Refused, Trusted, decide
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.mismatch import Mismatch


class _Refuse(Exception):
    """Ends the minting transaction without a trace in it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """An identity, and what is needed to use it once."""

    identity: Identity
    repository: str
    once: str
    """What tells this identity token from every other of its issuer."""
    expires: int
    seen: dict[str, str]
    """The claims worth keeping in an event: no personal ones."""


_KEPT_CLAIMS = (
    "repository", "repository_id", "repository_owner_id", "job_workflow_ref", "workflow_ref",
    "environment", "event_name", "ref", "sha", "run_id", "run_attempt",
)  # fmt: skip


class Mint:
    """``POST /_/oidc/mint-token`` and ``POST /_/oidc/burn-token``."""

    def __init__(self, *, store: Store, keys: Keys, root_keys: RootKeys, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._root_keys = root_keys
        self._settings = settings
        self._clock = clock

    def mint(self, body: bytes, peer: str) -> Minted | Problem:
        """Exchange the identity token in ``body`` for an upload token. ``peer``: the client's address, for events.

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
        9. in one transaction: decided again, used up, pinned, minted, noted
        10. the answer
        """
        now = self._clock()
        proven = self._prove(body, now)
        if isinstance(proven, Problem):
            return proven
        with self._store.read() as reading:
            verdict = _decide(reading, proven, now)  # 7, 8
        if isinstance(verdict, Refused):
            return self._refuse(verdict, proven, peer, now)
        try:
            with self._store.write() as writing:  # 9
                return self._grant(writing, proven, peer, now)
        except _Refuse as refusal:
            return refusal.problem

    def burn(self, body: bytes) -> Problem | None:
        """Revoke the minted token in ``body``, at once and for good. Never says whether it was one.

        Who holds a token may end it: its signature is the authorisation, and nothing else is asked for.
        """
        try:
            token = read_token(body)
        except BadBody as fault:
            return _problem("invalid-payload", str(fault))
        try:
            parsed = macaroon.parse(token)
        except macaroon.BadMacaroon:
            return None
        with self._store.read() as reading:
            row = reading.token(parsed.identifier)
        if row is None or row.publisher_id is None or row.burned is not None:
            return None
        if not parsed.signed_by(self._root_keys.root(row.id)):
            return None
        now = self._clock()
        with self._store.write() as writing:
            writing.burn(row.id, int(now))
            facts = {"token": row.id}
            writing.add_event(
                Event(at=now, kind="token-burned", project_id=None, publisher_id=row.publisher_id, facts=facts)
            )
        return None

    def _prove(self, body: bytes, now: float) -> _Proven | Problem:
        try:
            token = read_token(body).reveal()  # 1
            words = peek(token)  # 2
        except BadBody as fault:
            return _problem("invalid-payload", str(fault))
        except MalformedToken as fault:
            return _problem("invalid-payload", f"malformed JWT: it {fault}")
        with self._store.read() as reading:
            issuer = reading.issuer(words.issuer)  # 3
        if issuer is None:
            return _problem("invalid-payload", "unknown trusted publishing issuer")
        try:
            jwk = self._keys.get(issuer, words.kid)  # 4
        except NoSuchKey:
            return _UNPROVEN
        except IssuerDown as down:
            detail = f"the keys of {issuer.url} cannot be had now: {down}"
            return Problem(status=503, code="issuer-unavailable", title=_TITLE, detail=detail)
        checked = verify(token, jwk, issuer, self._settings.audience, now)  # 5
        if not isinstance(checked, tuple):
            said = f"valid signature, but {checked.sentence}"
            return _problem("invalid-token", said) if checked.proven else _UNPROVEN
        claims, expires = checked
        try:
            identity = PROVIDERS[issuer.kind].identify(claims)  # 6
        except BadClaim as fault:
            return _problem("invalid-publisher", f"valid token, but {fault}")
        return _Proven(
            identity=identity,
            repository=str(claims.get("repository", "")),
            once=_once(token, claims),
            expires=expires,
            seen={name: str(claims[name])[:300] for name in _KEPT_CLAIMS if name in claims},
        )

    def _grant(self, writing: Writing, proven: _Proven, peer: str, now: float) -> Minted:
        verdict = _decide(writing, proven, now)  # a publisher may have gone since step 8
        if isinstance(verdict, Refused):
            told = explain.for_caller(verdict, proven.identity)
            raise _Refuse(_problem("invalid-publisher", told.text, told.mismatches))
        kept_until = proven.expires + LEEWAY + CLAIM_MARGIN
        minted, row = self._sign(verdict, proven, now)
        use = Use(
            issuer=proven.identity.issuer,
            key=proven.once,
            expires=kept_until,
            token_id=row.id,
            at=now,
            peer=peer,
            body_sha256="",
        )
        if writing.claim(use) is not None:
            raise _Refuse(_problem("invalid-reuse-token", "this identity token was used already; ask for a new one"))
        self._pin(writing, verdict, proven)
        writing.add_token(row)
        facts = {**proven.seen, "token": row.id, "peer": peer, "expires": minted.expires}
        for link in verdict.links:
            writing.add_event(
                Event(
                    at=now,
                    kind="token-minted",
                    project_id=link.project_id,
                    publisher_id=verdict.publisher.id,
                    facts=facts,
                )
            )
        return minted  # 10

    def _pin(self, writing: Writing, verdict: Trusted, proven: _Proven) -> None:
        publisher = verdict.publisher
        if not publisher.pin_on_first_use:
            return
        ids = {
            name: value
            for name, value in proven.identity.anchors(publisher).items()
            if name not in publisher.fields and value is not None
        }
        if ids and not writing.pin(publisher.id, ids):
            raise _Refuse(
                _problem("invalid-publisher", "valid token, but the publisher was pinned to other ids meanwhile")
            )

    def _sign(self, verdict: Trusted, proven: _Proven, now: float) -> tuple[Minted, Token]:
        publisher, start = verdict.publisher, math.floor(now)
        expires = math.ceil(now) + self._settings.token_lifetime
        caveats: tuple[Caveat, ...] = (
            PublisherId(publisher.id),
            ProjectIds(tuple(link.project_id for link in verdict.links)),
            Expiry(expires_at=expires, not_before=start),
        )
        token_id = str(uuid.uuid4())
        signed = macaroon.create(
            location=self._settings.host,
            identifier=token_id,
            root_key=self._root_keys.root(token_id),
            caveats=tuple(write(caveat) for caveat in caveats),
        )
        row = Token(
            id=token_id,
            key_id=self._root_keys.key_id,
            location=self._settings.host,
            publisher_id=publisher.id,
            user_id=None,
            description=f"{proven.repository} {publisher.fields.get('workflow', '')}".strip(),
            caveats=tuple(values(caveat) for caveat in caveats),
            scope="upload",
            created=start,
            expires=expires,
        )
        return Minted(token=signed.serialize(), expires=expires), row

    def _refuse(self, refused: Refused, proven: _Proven, peer: str, now: float) -> Problem:
        """Answer the caller, and leave those who registered the nearest publishers a note of what differed."""
        told = explain.for_caller(refused, proven.identity)
        reasons = list(explain.for_maintainer(refused, proven.identity))[:5]
        facts = {**proven.seen, "peer": peer, "reasons": reasons}
        near = [miss.publisher for miss in refused.near_misses] or list(refused.tie)
        told_to: list[tuple[str | None, str | None]] = [(link.project_id, one.id) for one in near for link in one.links]
        with self._store.write() as writing:
            for project_id, publisher_id in told_to[:10] or [(None, None)]:
                writing.add_event(
                    Event(at=now, kind="mint-refused", project_id=project_id, publisher_id=publisher_id, facts=facts)
                )
        return _problem("invalid-publisher", told.text, told.mismatches)


_TITLE = "Token request failed"


def _problem(code: str, detail: str, mismatches: tuple[Mismatch, ...] = ()) -> Problem:
    return Problem(status=422, code=code, title=_TITLE, detail=detail, mismatches=mismatches)


_UNPROVEN = _problem("invalid-token", "malformed or invalid token")
"""One text for whoever has proven nothing."""


def _decide(reading: Reading, proven: _Proven, now: float) -> Trusted | Refused:
    identity = proven.identity
    candidates = reading.candidates(identity.issuer, identity.kind, identity.lookups)
    return decide(identity, candidates, math.floor(now))


def _once(token: str, claims: SignedClaims) -> str:
    """``jti`` where the issuer gives one; else a hash of what was signed, which is as unique."""
    jti = claims.get("jti")
    if jti:
        return f"jti:{jti}"
    return "hash:" + hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
