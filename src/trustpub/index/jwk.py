# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which public keys (RFC 7517) are good enough to believe a signature by, and how they are told apart."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

RSA_BITS = (2048, 8192)
"""Least and most of a modulus: a shorter one can be broken, a longer one keeps the index busy."""
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,1400}\Z")


def by_id(jwks: Mapping[str, Any], *, only: str | None = None) -> Mapping[str, Mapping[str, Any] | str]:
    """What a key set has under each id: a key fit for use, or a clause that says why there is none.

    Entries that are no keys, or have no id, are passed over. Of two keys with one id neither is used: which of them
    is meant cannot be known. ``only``: the one id to look at.
    """
    found: dict[str, Mapping[str, Any] | str] = {}
    keys = jwks.get("keys")
    for key in keys if isinstance(keys, list) else []:
        kid = key.get("kid") if isinstance(key, dict) else None
        if isinstance(kid, str) and kid and only in (None, kid):
            found[kid] = "shares its id with another" if kid in found else fault(key) or key
    return found


def fault(key: Mapping[str, Any]) -> str | None:
    """Why no signature is believed by this key, as a clause ("has fewer than 2048 bits"); None: it is fit for use."""
    kind = key.get("kty")
    if kind not in ("RSA", "EC"):
        return "is neither of kind RSA nor EC"
    if "d" in key:
        return "holds its private part, so anybody may have it"
    if key.get("use", "sig") != "sig" or "verify" not in _operations(key):
        return "is not for signatures"
    if key.get("alg", _ALGORITHMS[kind]) != _ALGORITHMS[kind]:
        return f"is for another algorithm than {_ALGORITHMS[kind]}"
    return _rsa_fault(key) if kind == "RSA" else _ec_fault(key)


def _operations(key: Mapping[str, Any]) -> list[Any]:
    named = key.get("key_ops", ["verify"])
    return named if isinstance(named, list) else []


def _rsa_fault(key: Mapping[str, Any]) -> str | None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    modulus, exponent = _number(key.get("n")), _number(key.get("e"))
    if modulus is None or exponent is None:
        return "is malformed"
    least, most = RSA_BITS
    if modulus.bit_length() < least:
        return f"has fewer than {least} bits"
    if modulus.bit_length() > most:
        return f"has more than {most} bits"
    if not 3 <= exponent < 1 << 64:
        return "has an exponent that is not between 3 and 2^64"
    try:
        RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return "is malformed"
    return None


def _ec_fault(key: Mapping[str, Any]) -> str | None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

    if key.get("crv") != "P-256":
        return "is not on the curve P-256"
    x, y = _number(key.get("x")), _number(key.get("y"))
    if x is None or y is None:
        return "is malformed"
    try:
        EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:
        return "is malformed"
    return None


def _number(text: Any) -> int | None:
    """A Base64urlUInt (RFC 7518 section 2). Leading zero octets are let pass: Jenkins writes one."""
    if not isinstance(text, str) or not _BASE64URL.match(text):
        return None
    try:
        return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
