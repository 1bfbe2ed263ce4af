# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Identity tokens in every state of disrepair: the same verdict as PyPI's, over HTTP.

The tokens are those of a job that is registered, so the verdict is about the token alone. One case leaves out a claim
that GitHub's jobs must have; it is Google's, whose tokens never have it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from .conftest import GITHUB, GOOGLE, KEY, Deviations, Index, cases, sign

EMAIL = "ci@proj.iam.gserviceaccount.com"
YEAR = 365 * 24 * 3600


@pytest.fixture(scope="module")
def index(open_index: Callable[..., Index]) -> Index:
    """One with a publisher that means the account, and a key for each state that a key can be in."""
    made = open_index()
    public = KEY.as_dict(private=False)
    bare = {name: value for name, value in public.items() if name != "alg"} | {"kid": "no-alg"}
    made.believe(GOOGLE, "google")
    made.believe(GITHUB, "github", keys=[public, bare])
    with made.folder.store.write() as writing:
        # An administrator could not give a key for encryption; a provider could publish one.
        known = writing.issuer(GITHUB)
        assert known is not None
        writing.put_issuer(replace(known, jwks={"keys": [public, bare, public | {"use": "enc", "kid": "use-enc"}]}))
    made.register("google", {"email": EMAIL, "sub": "1112"}, "hello")
    made.register("github", next(one for one in cases() if one["id"] == "github-001")["publisher_fields"], "hi")
    return made


def test_ends_as_on_pypi(index: Index, jwt_case: Mapping[str, Any], deviations: Deviations) -> None:
    index.clock.now += 61
    token = _token(index, jwt_case)
    found = index.mint(token)
    wanted = "accept" if jwt_case["expected"] == "accept" else "reject"
    deviations.judge(jwt_case, wanted, found if found == "accept" else "reject")


def _token(index: Index, case: Mapping[str, Any]) -> str:
    now = int(index.clock.now)
    claims = _google(index) if case["id"] == "jwt-019" else _github(index, case["id"])
    words = case["jwt"]
    claims.pop(words.get("absent"), None)
    times = {
        "now-20": now - 20, "now-29": now - 29, "now-30": now - 30, "now+25": now + 25, "now-1y": now - YEAR,
        "now+1y": now + YEAR, "'<now+300>'": str(now + 300),
    }  # fmt: skip
    audiences = {"pypi": index.audience, "PyPI": index.audience.upper()}
    for name in ("exp", "iat", "aud", "iss", "sub", "jti"):
        if name in words:
            claims[name] = _replaced(words[name], times if name in ("exp", "iat") else audiences)
    if case["id"] == "jwt-042":
        claims["iss"] = GITHUB + "/"
    if claims["iat"] == now and isinstance(claims.get("exp"), int) and claims["exp"] < now:
        claims["iat"] = claims["exp"] - 300
    return _SPECIAL.get(case["id"], _plain)(claims, words)


def _github(index: Index, jti: str) -> dict[str, Any]:
    return index.claims(next(one for one in cases() if one["id"] == "github-001")["claims"]) | {"jti": jti}


def _google(index: Index) -> dict[str, Any]:
    now = int(index.clock.now)
    account = {"sub": "1112", "email": EMAIL, "email_verified": True}
    return {"iss": GOOGLE, "aud": index.audience, "iat": now, "exp": now + 300, **account}


def _replaced(value: Any, table: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_replaced(one, table) for one in value]
    return table.get(value, value) if isinstance(value, str) else value


def _plain(claims: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    header = {name: words[name] for name in ("typ", "jku") if name in words}
    return sign(claims, **header)


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(claims: Mapping[str, Any], _words: Mapping[str, Any]) -> str:
    return f"{_segment({'alg': 'none', 'typ': 'JWT', 'kid': 'k1'})}.{_segment(claims)}."


def _signed_by_hand(header: Mapping[str, Any], claims: Mapping[str, Any], digest: str = "sha256") -> str:
    """With the right key and whatever header: libraries refuse to make these."""
    import hmac

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    signed = f"{_segment(header)}.{_segment(claims)}"
    private: Any = KEY.private_key
    if header["alg"] == "HS256":
        secret = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signature = hmac.digest(secret, signed.encode(), "sha256")
    else:
        algorithm = hashes.SHA384() if digest == "sha384" else hashes.SHA256()
        pad = padding.PSS(padding.MGF1(algorithm), 32) if header["alg"] == "PS256" else padding.PKCS1v15()
        signature = private.sign(signed.encode(), pad, algorithm)
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _by_hand(digest: str = "sha256", **header: Any) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str]:
    return lambda claims, _words: _signed_by_hand({"alg": "RS256", "kid": "k1", **header}, claims, digest)


def _embedded(claims: Mapping[str, Any], _words: Mapping[str, Any]) -> str:
    other = RSAKey.generate_key(2048, auto_kid=False)
    return sign(claims, other, jwk=other.as_dict(private=False))


_SPECIAL: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    "jwt-002": _unsigned,
    "jwt-003": _by_hand(alg="HS256"),
    "jwt-004": _by_hand("sha384", alg="RS384"),
    "jwt-006": _by_hand(alg="PS256"),
    "jwt-011": lambda claims, _words: sign(claims, kid="no-alg"),
    "jwt-013": lambda claims, _words: sign(claims, kid="use-enc"),
    "jwt-046": lambda claims, _words: sign(claims).rpartition(".")[0],
    "jwt-048": lambda claims, _words: sign(claims).rpartition(".")[0] + ".",
    "jwt-049": _by_hand(crit=["x"], x=1),
    "jwt-051": _by_hand(b64=False),
    "jwt-052": _by_hand(kid=5),
    "jwt-054": _embedded,
}
"""What the claims alone do not say."""
