# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From the body of a request to a proven identity, or the one text that whoever proves nothing is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trustpub.index import switches
from trustpub.index.identity import BadToken, verify
from trustpub.index.kept import Issuer
from trustpub.index.limits import Limits
from trustpub.index.notices import BadIdentity, Notices
from trustpub.index.ports import IssuerDown, Keys, NoSuchKey, Reading, Store
from trustpub.protocol.exchange import BadBody, MintRequest, Problem, UnsupportedFeature
from trustpub.trust.claims import BadClaim, MalformedToken, SignedClaims, Unverified, peek
from trustpub.trust.decision import Identity
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.mismatch import Mismatch
from trustpub.trust.provider import Provider, seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An identity whose issuer vouches for it, and what is needed to use it once."""

    identity: Identity
    issuer: Issuer
    once: str
    """What tells this identity token from every other of its issuer."""
    expires: int
    """Unix time of the identity token's own end."""
    seen: Mapping[str, str]
    """The claims worth keeping: no personal ones."""
    single_use: bool
    """Whether the request asks for a token for one upload."""
    claims: SignedClaims = field(repr=False)
    """All of them, for as long as the request takes."""
    scope: str
    """What the token that the request asks for is for: ``upload`` or ``read``."""


class MustWait(Exception):
    """An issuer has to be asked for its key, which takes its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """What the caller is told, and what an administrator is."""

    problem: Problem
    bad: BadIdentity | None = None
    provider: str = ""
    """The kind of the issuer that the token names; empty where it names none that is registered."""


class Proof:
    """Steps 1 to 6 of a mint (:meth:`trustpub.index.mint.Mint.mint`)."""

    def __init__(self, *, store: Store, keys: Keys, audience: str, limits: Limits) -> None:
        self._store = store
        self._keys = keys
        self._audience = audience
        self._limits = limits
        self._notices = Notices(store)

    def of(
        self,
        body: bytes,
        read: Callable[[bytes], MintRequest],
        peer: str,
        now: float,
        reading: Reading | None = None,
    ) -> Proven | Unproven:
        """The identity in ``body``, which ``read`` reads.

        An address that failed too often is turned away before any work is done for it, and an identity that was
        refused too often before it is looked up. An issuer that is down is nobody's failure but its own.

        With ``reading``, what is stored is looked up there, and nobody is waited for.

        Raises:
            MustWait: with ``reading`` only: the issuer's key is not at hand.
        """
        if (wait := self._limits.blocked(peer, now)) is not None:
            return Unproven(problem=_too_many(wait, f"from the address {peer}"))
        found = self._prove(body, read, now, reading)
        if isinstance(found, Proven):
            identity = found.identity
            wait = self._limits.blocked_subject(identity.issuer, identity.subject, now)
            if wait is None:
                return found
            return Unproven(problem=_too_many(wait, "by this identity"), provider=identity.kind)
        if found.problem.status != 503:
            self._limits.failed(peer, now)
        if found.bad is not None:
            self._notices.refused(found.bad, peer, now)
        return found

    def _prove(
        self, body: bytes, read: Callable[[bytes], MintRequest], now: float, reading: Reading | None
    ) -> Proven | Unproven:
        try:
            request = read(body)  # 1
            token = request.token.reveal()
            words = peek(token)  # 2
        except UnsupportedFeature as fault:
            return Unproven(problem=refusal("unsupported-feature", str(fault)))
        except BadBody as fault:
            return Unproven(problem=refusal("invalid-payload", str(fault)))
        except MalformedToken as fault:
            bad = BadIdentity(cause="malformed", sentence=f"what should be an identity token {fault}", issuer="")
            return Unproven(problem=refusal("invalid-payload", f"malformed JWT: it {fault}"), bad=bad)
        found = self._issuer(words, reading)  # 3
        if isinstance(found, Unproven):
            return found
        issuer, provider = found
        if reading is not None and not self._keys.at_hand(issuer, words.kid):
            raise MustWait
        jwk = self._key(issuer, words.kid)  # 4
        if isinstance(jwk, Unproven):
            return replace(jwk, provider=issuer.kind)
        checked = verify(token, jwk, issuer, self._audience, now)  # 5
        if isinstance(checked, BadToken):
            return _disbelieved(checked, issuer, provider)
        claims, expires = checked
        try:
            identity = provider.identify(claims)  # 6
            once = _once(token, claims, provider)
        except BadClaim as fault:
            wrong = BadToken(cause="claims", sentence=str(fault), proven=True, claims=claims)
            return _disbelieved(wrong, issuer, provider, refusal("invalid-publisher", f"valid token, but {fault}"))
        self._notices.unknown_claims(issuer.url, provider.census.unknown(claims), now)
        return Proven(
            identity=identity,
            issuer=issuer,
            once=once,
            expires=expires,
            # Whole, since attestations are compared with it: a path and a ref may have 750 characters together.
            seen=seen(claims, provider.kept_claims, limit=_MAX_KEPT),
            single_use=request.single_use,
            claims=claims,
            scope=request.scope,
        )

    def still(self, reading: Reading, proven: Proven) -> Problem | None:
        """Step 3 once more, in another view: why the identity's issuer is not believed there; None: it is."""
        found = _taken(proven.identity.issuer, reading)
        return found.problem if isinstance(found, Unproven) else None

    def _issuer(self, words: Unverified, reading: Reading | None) -> tuple[Issuer, Provider] | Unproven:
        if reading is None:
            with self._store.read() as just_now:
                return _taken(words.issuer, just_now)
        return _taken(words.issuer, reading)

    def _key(self, issuer: Issuer, kid: str) -> Mapping[str, Any] | Unproven:
        try:
            return self._keys.get(issuer, kid)
        except NoSuchKey as missing:
            why = str(missing)
            sentence = f"a token names a key that is not used: {why}" if why else _NO_KEY
            return Unproven(
                problem=UNPROVEN, bad=BadIdentity(cause="unknown-key", sentence=sentence, issuer=issuer.url)
            )
        except IssuerDown as down:
            # Why is for those who run the index: it may name addresses in their network.
            detail = f"the keys of {issuer.url} cannot be had now"
            problem = Problem(
                status=503,
                code="issuer-unavailable",
                title=TITLE,
                detail=detail,
                retry_after=down.retry_after,
            )
            return Unproven(
                problem=problem, bad=BadIdentity(cause="issuer-down", sentence=f"{detail}: {down}", issuer=issuer.url)
            )


TITLE = "Token request failed"
_MAX_KEPT = 1000
"""Characters of one claim that is kept."""
_NO_KEY = "a token names a key that the issuer does not have"


def refusal(code: str, detail: str, mismatches: tuple[Mismatch, ...] = ()) -> Problem:
    """The answer 422 with one of PyPI's codes, or of PEP 807's."""
    return Problem(status=422, code=code, title=TITLE, detail=detail, mismatches=mismatches)


UNPROVEN = refusal("invalid-token", "malformed or invalid token")
"""One text for whoever has proven nothing."""


def _taken(url: str, reading: Reading) -> tuple[Issuer, Provider] | Unproven:
    issuer = reading.issuer(url)
    provider = None if issuer is None else PROVIDERS.get(issuer.kind)
    if issuer is None or provider is None:
        sentence = "a token names an issuer that is not registered, exactly so, with this index"
        bad = BadIdentity(cause="unknown-issuer", sentence=sentence, issuer=url)
        return Unproven(problem=refusal("invalid-payload", "unknown trusted publishing issuer"), bad=bad)
    if not issuer.enabled:
        off = refusal("not-enabled", f"{provider.title} may not publish here for now")
        return Unproven(problem=off, provider=issuer.kind)
    if (switched := switches.no_mint(reading, issuer.kind)) is not None:
        return Unproven(problem=switched, provider=issuer.kind)
    return issuer, provider


def _too_many(wait: int, whose: str) -> Problem:
    detail = f"too many requests {whose} were refused in the last minute; try again in {wait} seconds"
    return Problem(status=429, code="rate-limited", title=TITLE, detail=detail, retry_after=wait)


def _disbelieved(bad: BadToken, issuer: Issuer, provider: Provider, problem: Problem | None = None) -> Unproven:
    if problem is None:
        said = f"valid signature, but {bad.sentence}"
        problem = refusal("invalid-token", said) if bad.proven else UNPROVEN
    note = BadIdentity(
        cause=bad.cause,
        sentence=bad.sentence,
        issuer=issuer.url,
        proven=bad.proven,
        seen=seen(bad.claims, provider.kept_claims),
    )
    return Unproven(problem=problem, bad=note, provider=issuer.kind)


def _once(token: str, claims: SignedClaims, provider: Provider) -> str:
    """``jti`` where the provider gives one (RFC 7519 section 4.1.7); else a hash of what was signed.

    The signature is left out of the hash: an ECDSA signature can be turned into another one that holds as well.

    Raises:
        BadClaim: the provider gives one, and it is missing or empty.
    """
    if not provider.has_jti:
        return "hash:" + hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    jti = claims.get("jti")
    if not jti:
        raise BadClaim("jti", "is missing" if jti is None else "is empty")
    return f"jti:{jti}"
