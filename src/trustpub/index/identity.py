# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From an identity token to claims that can be relied on, or one named cause why not.

The signature is checked by joserfc; what it leaves open, and RFC 8725 asks for, is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int

from trustpub.index.ports import Issuer
from trustpub.trust.claims import SignedClaims

ALGORITHMS = ("RS256",)
"""What the issuers we know sign with. Never taken from the token (RFC 8725 section 3.1)."""

MIN_RSA_BITS = 2048

LEEWAY = 30
"""Seconds that an issuer's clock may differ from ours, both ways, exclusive.

Invariant: the note that an identity token was used (``Writing.claim``) is kept until ``exp`` + LEEWAY + CLAIM_MARGIN,
longer than any check here can still pass. If a note went earlier, whoever finds a used token in a log could mint with
it again in the gap, which is what PyPI's audit found (TOB-PYPI26-1).
"""

CLAIM_MARGIN = 60
"""Seconds beyond the leeway for which a used token is remembered: covers a clock that is set back."""

MAX_LIFETIME = 24 * 3600
"""Seconds from ``iat`` to ``exp``; no CI needs longer, and a stolen token should not last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadToken:
    """Why an identity token proves nothing."""

    cause: str
    """A fixed word, for events and metrics: ``signature``, ``key``, ``expired``, ``early``, ``audience``,
    ``issuer``, ``lifetime`` or ``claims``."""
    sentence: str
    proven: bool
    """Whether the signature holds: if not, the caller is told nothing more than that."""


def verify(
    token: str, jwk: Mapping[str, Any], issuer: Issuer, audience: str, now: float
) -> tuple[SignedClaims, int] | BadToken:
    """Claims of ``token`` and the Unix time it expires, if everything holds.

    Order: key, signature, claims, issuer, audience, times. The audience is one string, equal to ours.
    """
    payload = _signed(token, jwk)
    if isinstance(payload, BadToken):
        return payload
    claims: dict[str, Any] = json.loads(payload)  # read once before, by trust.claims.peek: an object, nothing doubled
    for name in ("sub", "jti"):
        if not isinstance(claims.get(name, ""), str):
            return BadToken(cause="claims", sentence=f"claim {name!r} is not a string", proven=True)
    if claims.get("iss") != issuer.url:
        return BadToken(cause="issuer", sentence="the token names another issuer than the one asked", proven=True)
    if claims.get("aud") != audience:
        given = claims.get("aud")
        shown = repr(given) if isinstance(given, str) and len(given) <= 100 else "something else"
        sentence = f"the token is for the audience {shown}, this index is {audience!r}"
        return BadToken(cause="audience", sentence=sentence, proven=True)
    return _in_time(claims, now) or (SignedClaims(claims), int(claims["exp"]))


def _signed(token: str, jwk: Mapping[str, Any]) -> bytes | BadToken:
    bad = BadToken(cause="signature", sentence="the signature does not hold", proven=False)
    try:
        if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
            return BadToken(cause="key", sentence="the key is not an RSA key for signatures", proven=False)
        if base64_to_int(str(jwk.get("n"))).bit_length() < MIN_RSA_BITS:
            return BadToken(cause="key", sentence=f"the key has fewer than {MIN_RSA_BITS} bits", proven=False)
        key = RSAKey.import_key({name: value for name, value in jwk.items() if name in {"kty", "n", "e"}})
        signature = jws.deserialize_compact(token, key, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError):
        return bad
    header = signature.headers()
    if "crit" in header or header.get("b64") is False:
        return BadToken(cause="signature", sentence="the header asks for an extension", proven=False)
    if str(header.get("typ", "JWT")).upper() != "JWT":
        # An access token of the same issuer (`at+jwt`) is not an identity (RFC 8725 section 3.11).
        return BadToken(cause="signature", sentence="the token is of another type than JWT", proven=False)
    if not isinstance(signature.payload, bytes):
        return bad
    return signature.payload


def _in_time(claims: Mapping[str, Any], now: float) -> BadToken | None:
    for name in ("iat", "exp", "nbf"):
        value = claims.get(name)
        if name == "nbf" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
            return BadToken(cause="claims", sentence=f"claim {name!r} is not a time", proven=True)
    issued, expires = claims["iat"], claims["exp"]
    if now >= expires + LEEWAY:
        return BadToken(cause="expired", sentence=f"the token expired {int(now - expires)} seconds ago", proven=True)
    if max(issued, claims.get("nbf") or 0) > now + LEEWAY:
        return BadToken(cause="early", sentence="the token is not valid yet", proven=True)
    if expires - issued > MAX_LIFETIME:
        return BadToken(cause="lifetime", sentence=f"the token lives longer than {MAX_LIFETIME} seconds", proven=True)
    return None
