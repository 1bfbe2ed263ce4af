# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From an identity token to claims that can be relied on, or one named cause why not.

The signature is checked by joserfc; what it leaves open, and RFC 8725 asks for, is checked here.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from trustpub.index.jwk import fault
from trustpub.index.kept import Issuer
from trustpub.printable import quoted
from trustpub.trust.claims import MAX_TOKEN_BYTES, SignedClaims
from trustpub.trust.provider import SHARED_AUDIENCE_AGE

ALGORITHMS: Mapping[str, str] = {"RSA": "RS256", "EC": "ES256"}
"""By the type of the key (RFC 7518 sections 3.1 and 6.1): all that this index can verify. Which of them it does verify
is in the terms of the issuer; never in the token (RFC 8725 section 3.1)."""

LEEWAY = 30
"""Seconds that an issuer's clock may differ from ours, both ways, exclusive.

Invariant: the note that an identity token was used (``Writing.claim``) is kept until ``exp`` + LEEWAY + CLAIM_MARGIN,
longer than any check here can still pass. If a note went earlier, whoever finds a used token in a log could mint with
it again in the gap, which is what PyPI's audit found (TOB-PYPI26-1).
"""

CLAIM_MARGIN = 60
"""Seconds beyond the leeway for which a used token is remembered: covers a clock that is set back."""

IMPORTED_KEYS = 256
"""Public keys kept ready for use, by their content; importing one costs as much as a verification."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
"""RFC 7515 section 7.1, without padding or white space. A JWE has five parts."""
_MAX_HEADER_CHARS = 8192
"""Some issuers send a certificate chain along, which is not looked at."""
_NUMBERS = ("kty", "n", "e", "crv", "x", "y")
_MEMBERS = (*_NUMBERS, "d", "alg", "use", "key_ops")
"""Of a JWK: all that says which key it is and what for (RFC 7517 section 4)."""
_MAX_KEY_CHARS = 8192
_LATEST = 1 << 53
"""Unix seconds beyond which a JSON number is not exact (RFC 8259 section 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadToken:
    """Why an identity token proves nothing."""

    cause: str
    """A fixed word, for events and metrics.

    Before the signature holds: ``malformed``, ``key``, ``algorithm``, ``header`` or ``signature``. After it:
    ``claims``, ``issuer``, ``audience``, ``expired``, ``early``, ``age`` or ``lifetime``.
    """
    sentence: str
    """What is wrong, for whoever signed it or answers for the issuer."""
    proven: bool
    """Whether the signature holds: if not, the caller is told nothing more than that."""
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What was signed, where the signature holds; to say in an event whose token it was, and for nothing else."""


def verify(
    token: str, jwk: Mapping[str, Any], issuer: Issuer, audience: str, now: float
) -> tuple[SignedClaims, int] | BadToken:
    """Claims of ``token`` and the Unix time it expires (rounded up), if everything holds.

    Order: form, key, header, signature, claims, issuer, audience, times. ``audience`` is that of this index; an issuer
    whose jobs cannot choose one has its own instead, and then tokens must be nearly new.

    Args:
        token: in compact form (RFC 7515 section 7.1).
        jwk: the issuer's key with the id that the token names (RFC 7517 section 4).
        issuer: whose terms hold.
        audience: what ``aud`` must be.
        now: Unix time.
    """
    payload = _signed(token, jwk, issuer.terms.algorithms)
    if isinstance(payload, BadToken):
        return payload
    try:
        claims = _object(payload)
    except (ValueError, RecursionError):
        return BadToken(cause="claims", sentence="the claims are not one JSON object", proven=True)
    return (
        _texts(claims)
        or _for_us(claims, issuer, issuer.audience or audience)
        or _in_time(claims, issuer, now)
        or (SignedClaims(claims), math.ceil(claims["exp"]))
    )


def _signed(token: str, jwk: Mapping[str, Any], algorithms: tuple[str, ...]) -> bytes | BadToken:
    """What was signed."""
    if len(token) > MAX_TOKEN_BYTES or not _COMPACT.match(token):
        return _unproven("malformed", "the token is not three base64url parts joined by dots, of bounded length")
    key = _key(jwk)
    if isinstance(key, BadToken):
        return key
    algorithm = ALGORITHMS[key.key_type]
    if algorithm not in algorithms:
        return _unproven("algorithm", f"the key is for {algorithm}, which is not taken from this issuer")
    if (bad := _header_fault(token.partition(".")[0], algorithm)) is not None:
        return bad
    try:
        signature = jws.deserialize_compact(token, key, registry=_REGISTRIES[algorithm])
    except (JoseError, ValueError, TypeError, KeyError):
        return _unproven("signature", "the signature does not hold")
    return signature.payload or b""


def _registry(algorithm: str) -> jws.JWSRegistry:
    # A header that is not known is to be ignored (RFC 7515 section 4); joserfc would refuse it.
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = _MAX_HEADER_CHARS
    return registry


_REGISTRIES = {algorithm: _registry(algorithm) for algorithm in ALGORITHMS.values()}


def _header_fault(segment: str, algorithm: str) -> BadToken | None:
    try:
        header = _object(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        return _unproven("malformed", "the header is not one JSON object")
    if header.get("alg") != algorithm:
        return _unproven("algorithm", f"the header does not say {algorithm}, which the key is for")
    if "crit" in header or header.get("b64", True) is not True:
        # An extension that must be understood (RFC 7515 section 4.1.11); this index knows none.
        return _unproven("header", "the header asks for an extension")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        # An access token of the same issuer (`at+jwt`) is not an identity (RFC 8725 section 3.11).
        return _unproven("header", "the token is of another type than JWT")
    return None


def _key(jwk: Mapping[str, Any]) -> RSAKey | ECKey | BadToken:
    content = json.dumps({name: jwk[name] for name in _MEMBERS if name in jwk})
    if len(content) > _MAX_KEY_CHARS:
        return _unproven("key", "the key is far too long")
    return _import(content)


@lru_cache(maxsize=IMPORTED_KEYS)
def _import(content: str) -> RSAKey | ECKey | BadToken:
    """The key that these members of a JWK are, if nothing speaks against believing a signature by it."""
    jwk = json.loads(content)
    if (why := fault(jwk)) is not None:
        return _unproven("key", f"the key {why}")
    numbers = {name: value for name, value in jwk.items() if name in _NUMBERS}
    try:
        return RSAKey.import_key(numbers) if jwk["kty"] == "RSA" else ECKey.import_key(numbers)
    except (JoseError, ValueError, TypeError):
        return _unproven("key", "the key is malformed")


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object, strictly: UTF-8, no member twice (RFC 8725 section 2.4), no NaN, no half of a surrogate pair.

    Raises:
        ValueError: it is none.
        RecursionError: it is too deep.
    """
    text = data.decode()
    value = _JSON.decode(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member stands twice")
    return value


def _no_constant(name: str) -> None:
    raise ValueError("a number that is none")


_JSON = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)


def _texts(claims: Mapping[str, Any]) -> BadToken | None:
    for name in ("sub", "jti"):
        if not isinstance(claims.get(name, ""), str):
            return _proven("claims", f"claim {name!r} is not a string", claims)
    return None


def _for_us(claims: Mapping[str, Any], issuer: Issuer, audience: str) -> BadToken | None:
    if claims.get("iss") != issuer.url:
        return _proven("issuer", "the token names another issuer than the one asked", claims)
    given = claims.get("aud")
    if isinstance(given, list) and len(given) == 1 and issuer.terms.array_audience:
        given = given[0]
    if not isinstance(given, str):
        shown = "is missing" if given is None else "is not a single string"
        return _proven("audience", f"the token's audience {shown}, this index is {audience!r}", claims)
    if given != audience:
        return _proven("audience", f"the token is for the audience {quoted(given)}, this index is {audience!r}", claims)
    return None


def _in_time(claims: Mapping[str, Any], issuer: Issuer, now: float) -> BadToken | None:
    for name in ("iat", "exp", "nbf"):
        if not (_is_time(claims.get(name)) or (name == "nbf" and name not in claims)):
            return _proven("claims", f"claim {name!r} is not a time", claims)
    issued, expires, terms = claims["iat"], claims["exp"], issuer.terms
    if now >= expires + LEEWAY:
        return _proven("expired", f"the token expired {math.floor(now - expires)} seconds ago", claims)
    if max(issued, claims.get("nbf", 0)) >= now + LEEWAY:
        return _proven("early", "the token is not valid yet", claims)
    max_age = terms.max_age if issuer.audience is None else min(terms.max_age, SHARED_AUDIENCE_AGE)
    if now - issued > max_age:
        sentence = f"the token was issued {math.floor(now - issued)} seconds ago, more than {max_age}"
        return _proven("age", sentence, claims)
    if expires - issued > terms.max_lifetime:
        return _proven("lifetime", f"the token lives longer than {terms.max_lifetime} seconds", claims)
    return None


def _is_time(value: Any) -> bool:
    """A NumericDate (RFC 7519 section 2): a number, which may have a fraction, but no text of one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST


def _unproven(cause: str, sentence: str) -> BadToken:
    return BadToken(cause=cause, sentence=sentence, proven=False)


def _proven(cause: str, sentence: str, claims: Mapping[str, Any]) -> BadToken:
    return BadToken(cause=cause, sentence=sentence, proven=True, claims=claims)
