# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Claims, before and after their signature was verified: two types, one maker each."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NewType

SignedClaims = NewType("SignedClaims", Mapping[str, Any])
"""Claims whose signature, issuer, audience and times hold.

Only :mod:`trustpub.index.identity` makes these; whatever comes after it may rely on that.
"""

MAX_TOKEN_BYTES = 16 * 1024
"""An identity token longer than this is not read at all (the largest seen in the wild is about 3 KiB)."""


_BASE64URL = re.compile(r"[A-Za-z0-9_-]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MalformedToken(ValueError):
    """Not a JSON Web Token in compact form (RFC 7515 section 3.1). The message says what is wrong, never the value."""


class BadClaim(ValueError):
    """A signed claim that is missing, or not of the form its issuer gives it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"claim {name!r} {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """The two words of a token that may be read before its signature is checked.

    They serve to find the key, and for nothing else: anybody can write them.
    """

    issuer: str
    kid: str


def peek(token: str) -> Unverified:
    """Issuer and key id of ``token``, unverified.

    Raises:
        MalformedToken: it is not a JWT, or has no ``iss`` or ``kid`` to go by.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise MalformedToken(f"is longer than {MAX_TOKEN_BYTES} bytes")
    parts = token.split(".")
    if len(parts) != 3 or not all(map(_BASE64URL.match, parts)):
        raise MalformedToken("is not three base64url-encoded parts joined by dots")
    header = _object(parts[0], "header")
    payload = _object(parts[1], "payload")
    issuer, kid = payload.get("iss"), header.get("kid")
    if not isinstance(issuer, str) or not issuer:
        raise MalformedToken("has no issuer (`iss`)")
    if not isinstance(kid, str) or not kid:
        raise MalformedToken("names no key (`kid`)")
    return Unverified(issuer=issuer, kid=kid)


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        data = base64.urlsafe_b64decode(part + "==")  # never more are wanted, and more than wanted do no harm
        value = _JSON.decode(data.decode())
        if b"\\u" in data:
            # Half a surrogate pair, which only an escape in the JSON can bring, is no text that a store could keep.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # binascii.Error, UnicodeError and JSONDecodeError are ValueErrors
        raise MalformedToken(f"has a {name} that is not base64url-encoded JSON") from None
    if not isinstance(value, dict):
        raise MalformedToken(f"has a {name} that is not a JSON object")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers of a doubled member may see two values; one of them would be deceived (RFC 8725 section 2.4).
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member stands twice")
    return value


_JSON = json.JSONDecoder(object_pairs_hook=_no_duplicates)


def text(claims: SignedClaims, name: str) -> str:
    """The claim ``name``, a string that is not empty and holds no control character.

    Raises:
        BadClaim: it is not. No issuer writes one that a store could not keep and a person could not read.
    """
    value = claims.get(name)
    if value is None:
        raise BadClaim(name, "is missing")
    if not isinstance(value, str):
        raise BadClaim(name, f"is not a string but {type(value).__name__}")
    if not value:
        raise BadClaim(name, "is empty")
    if _CONTROL.search(value):
        raise BadClaim(name, "holds a control character")
    return value


def optional_text(claims: SignedClaims, name: str) -> str | None:
    """Like :func:`text`, where an absent, null or empty claim says that there is none."""
    value = claims.get(name)
    return None if value is None or value == "" else text(claims, name)
