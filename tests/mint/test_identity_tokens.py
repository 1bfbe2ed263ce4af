# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which identity tokens prove something: by key, header, signature, claims and times, each cause by its name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from trustpub.index.identity import BadToken, verify
from trustpub.index.kept import Issuer
from trustpub.trust.provider import Terms

NOW = 1_790_000_000.25
URL = "https://ci.example"
AUDIENCE = "index_example_1234"

RSA = RSAKey.generate_key(2048)
OTHER_RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
P384 = ECKey.generate_key("P-384")
PUBLIC: dict[str, dict[str, Any]] = {
    "RSA": dict(RSA.as_dict(private=False)),
    "EC": dict(EC.as_dict(private=False)),
    "P-384": dict(P384.as_dict(private=False)),
}
BOTH = Terms(algorithms=("RS256", "ES256"))
ISSUER = Issuer(url=URL, kind="github", terms=BOTH)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims(**changes: Any) -> dict[str, Any]:
    found = {"iss": URL, "aud": AUDIENCE, "iat": int(NOW), "exp": int(NOW) + 300, "sub": "s", "jti": "j", **changes}
    return {name: value for name, value in found.items() if value is not ...}


def signed(alg: Any, data: bytes, by: str) -> bytes:
    """A signature of ``data`` as ``alg`` is made, with one of our keys; a wrong one where they do not fit."""
    if alg == "none":
        return b""
    if alg in ("HS256", "HS384"):
        secret = RSA.as_pem(private=False) if by != "EC" else EC.as_pem(private=False)
        return hmac.digest(secret, data, hashlib.sha256)
    hash_kind: hashes.HashAlgorithm = hashes.SHA384() if str(alg).endswith("384") else hashes.SHA256()
    if by == "EC":
        r, s = decode_dss_signature(EC.private_key.sign(data, ec.ECDSA(hash_kind)))  # type: ignore[union-attr]
        return r.to_bytes(32) + s.to_bytes(32)
    key = (RSA if by == "RSA" else OTHER_RSA).private_key
    assert key is not None
    if str(alg).startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(hash_kind), hash_kind.digest_size), hash_kind)
    return key.sign(data, padding.PKCS1v15(), hash_kind)


def token(
    payload: Any = None, *, by: str = "RSA", alg: Any = "RS256", header: dict[str, Any] | None = None, raw: bytes = b""
) -> str:
    head = {"alg": alg, "typ": "JWT", "kid": "k", **(header or {})}
    head = {name: value for name, value in head.items() if value is not ...}
    body = raw or json.dumps(claims() if payload is None else payload).encode()
    data = f"{b64(json.dumps(head).encode())}.{b64(body)}"
    return f"{data}.{b64(signed(alg, data.encode(), by))}"


def judged(
    text: str, key: str | dict[str, Any] = "RSA", *, issuer: Issuer = ISSUER, now: float = NOW
) -> BadToken | None:
    found = verify(text, PUBLIC[key] if isinstance(key, str) else key, issuer, AUDIENCE, now)
    return found if isinstance(found, BadToken) else None


def cause(*args: Any, **kwargs: Any) -> tuple[str, bool] | None:
    bad = judged(*args, **kwargs)
    return None if bad is None else (bad.cause, bad.proven)


def issuer(**changes: Any) -> Issuer:
    return Issuer(url=URL, kind="github", audience=changes.pop("audience", None), terms=Terms(**changes))


def test_a_sound_token_gives_its_claims_and_the_time_it_ends() -> None:
    for by, alg in (("RSA", "RS256"), ("EC", "ES256")):
        found = verify(token(claims(exp=NOW + 10.5), by=by, alg=alg), PUBLIC[by], ISSUER, AUDIENCE, NOW)
        assert not isinstance(found, BadToken)
        assert (found[0]["sub"], found[1]) == ("s", int(NOW) + 11)


# A1, and A6: algorithm and key.


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "HS384", "PS256", "RS384", "rs256", "", ..., None, 5, ["RS256"]]
)
def test_a1_only_the_algorithm_of_the_key_is_taken_whatever_the_header_says(alg: Any) -> None:
    text = token(alg=alg)
    text = text + "AAAA" if text.endswith(".") else text
    assert cause(text) == ("algorithm", False)


def test_a1_a_key_of_another_type_than_the_issuers_terms_allow_is_refused() -> None:
    assert cause(token(by="EC", alg="ES256"), "EC", issuer=issuer(algorithms=("RS256",))) == ("algorithm", False)
    assert cause(token(), issuer=issuer(algorithms=("ES256",))) == ("algorithm", False)
    assert cause(token(by="EC", alg="ES256"), "RSA") == ("algorithm", False)
    assert cause(token(by="RSA", alg="RS256"), "EC") == ("algorithm", False)


def test_a1_an_ecdsa_signature_of_another_form_or_all_zeros_does_not_hold() -> None:
    head, payload, signature = token(by="EC", alg="ES256").split(".")
    data = f"{head}.{payload}".encode()
    der = EC.private_key.sign(data, ec.ECDSA(hashes.SHA256()))  # type: ignore[union-attr]
    for wrong in (b64(der), b64(bytes(64)), signature[:-4], signature + "AAAA"):
        assert cause(f"{head}.{payload}.{wrong}", "EC") == ("signature", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": None},
        {"key_ops": ["encrypt"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"alg": "RS512"},
        {"alg": "ES256"},
        {"alg": None},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP"},
        {"kty": ["RSA"]},
        {"kty": None},
        {"n": None},
        {"n": 5},
        {"n": "!!"},
        {"n": "A" * 100_000},
        {"n": b64(b"\xff" * 128)},
        {"e": "AQ"},
        {"e": "AA"},
        {"e": ""},
        {"e": "Ag"},
        {"d": "AQAB"},
    ],
)
def test_a6_a_key_that_is_weak_odd_or_meant_for_something_else_is_no_key(changes: dict[str, Any]) -> None:
    assert cause(token(), {**PUBLIC["RSA"], **changes}) == ("key", False)


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a6_an_rsa_key_has_2048_bits(bits: int) -> None:
    modulus = (1 << (bits - 1)) + 1
    key = {"kty": "RSA", "e": "AQAB", "n": b64(modulus.to_bytes((bits + 7) // 8))}
    assert cause(token(), key) == ("key", False)


def test_a6_a_key_on_another_curve_or_off_the_curve_is_no_key() -> None:
    assert cause(token(by="EC", alg="ES256"), "P-384") == ("key", False)
    for changes in ({"x": PUBLIC["EC"]["y"]}, {"crv": "P-521"}, {"crv": "secp256k1"}, {"y": None}, {"alg": "RS256"}):
        assert cause(token(by="EC", alg="ES256"), {**PUBLIC["EC"], **changes}) == ("key", False)


@pytest.mark.parametrize(
    "changes", [{"alg": "RS256"}, {"use": "sig"}, {"key_ops": ["verify"]}, {"kid": "x", "x5t": "y"}]
)
def test_a6_a_key_that_says_what_it_is_for_or_nothing_is_taken(changes: dict[str, Any]) -> None:
    assert cause(token(), {**PUBLIC["RSA"], **changes}) is None


# A2, A3, A9: issuer, key and audience.


@pytest.mark.parametrize("iss", [f"{URL}/", URL.upper(), "", None, 5, [URL], ...])
def test_a2_the_issuer_is_exactly_the_one_whose_key_it_is(iss: Any) -> None:
    assert cause(token(claims(iss=iss))) == ("issuer", True)


def test_a3_the_key_of_another_issuer_proves_nothing() -> None:
    assert cause(token(), dict(OTHER_RSA.as_dict(private=False))) == ("signature", False)


def test_a4_keys_in_the_header_are_not_looked_at() -> None:
    own = {
        "jwk": dict(OTHER_RSA.as_dict(private=False)),
        "jku": "https://evil.example/jwks",
        "x5u": "https://e.example",
    }
    assert cause(token(by="other", header=own)) == ("signature", False)
    assert cause(token(header=own)) is None
    assert cause(token(header={"private": {"a": [1]}, "x5t": "x"})) is None


@pytest.mark.parametrize(
    "aud", ["pypi", AUDIENCE.upper(), "", ..., None, 5, {}, [], [AUDIENCE], [AUDIENCE, AUDIENCE], [[AUDIENCE]], [None]]
)
def test_a9_the_audience_is_one_string_and_ours(aud: Any) -> None:
    assert cause(token(claims(aud=aud))) == ("audience", True)


def test_a9_an_array_of_one_is_taken_where_the_issuer_writes_it_so_and_of_two_nowhere() -> None:
    lax = issuer(array_audience=True)
    assert cause(token(claims(aud=[AUDIENCE])), issuer=lax) is None
    assert cause(token(), issuer=lax) is None
    for aud in ([], [AUDIENCE, "pypi"], [AUDIENCE, AUDIENCE], ["pypi"], [[AUDIENCE]], [None]):
        assert cause(token(claims(aud=aud)), issuer=lax) == ("audience", True)


def test_a9_an_issuer_with_an_audience_of_its_own_is_held_to_that_and_to_ten_minutes() -> None:
    shared = issuer(audience="shared", max_age=86_400, max_lifetime=86_400)
    now = int(NOW)
    assert cause(token(claims(aud="shared")), issuer=shared) is None
    assert cause(token(), issuer=shared) == ("audience", True)
    assert cause(token(claims(aud="shared", iat=now - 600)), issuer=shared, now=now) is None
    assert cause(token(claims(aud="shared", iat=now - 601)), issuer=shared, now=now) == ("age", True)
    assert cause(token(claims(aud="shared", iat=now - 301)), issuer=issuer(audience="shared", max_age=300)) == (
        "age",
        True,
    )


# A11 and A12: times.


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"exp": int(NOW) + 3601}, "lifetime"),
        ({"exp": int(NOW) + 3600}, None),
        ({"exp": 4_000_000_000}, "lifetime"),
        ({"iat": int(NOW) - 3600, "exp": int(NOW)}, "age"),
        ({"iat": int(NOW) - 3599, "exp": int(NOW)}, None),
        ({"exp": NOW - 29.75}, None),
        ({"exp": NOW - 30}, "expired"),
        ({"iat": NOW + 29.75}, None),
        ({"iat": NOW + 30}, "early"),
        ({"nbf": NOW + 29.75}, None),
        ({"nbf": NOW + 30}, "early"),
        ({"nbf": int(NOW) - 600}, None),
    ],
)
def test_a11_a12_age_lifetime_and_clocks_have_bounds(changes: dict[str, Any], wanted: str | None) -> None:
    hour = issuer(max_age=3600, max_lifetime=3600)
    assert cause(token(claims(**changes)), issuer=hour) == (None if wanted is None else (wanted, True))


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize(
    "value", ["1790000000", "", "x", True, None, [1], {}, -1, -0.5, 1e400, 2**53, 10**400, 10**4000]
)
def test_a12_a_time_is_a_number_that_can_be_one(name: str, value: Any) -> None:
    assert cause(token(claims(**{name: value}))) == ("claims", True)


@pytest.mark.parametrize("name", ["iat", "exp"])
def test_a12_a_token_without_its_times_proves_nothing(name: str) -> None:
    assert cause(token(claims(**{name: ...}))) == ("claims", True)


# A13 and A14: what two readers could read differently.


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b'"x"',
        b"null",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":[{"c":1,"c":2}]}}',
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_a13_a_payload_that_is_not_one_strict_json_object_is_refused(raw: bytes) -> None:
    assert cause(token(raw=raw)) == ("claims", True)


def test_a13_nesting_as_deep_as_a_token_is_long_ends_in_a_refusal() -> None:
    # How deep Python's reader goes differs with its version; where it arrives, there is no issuer.
    raw = b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"
    assert cause(token(raw=raw)) in {("claims", True), ("issuer", True)}


@pytest.mark.parametrize("name", ["sub", "jti"])
@pytest.mark.parametrize("value", [1, None, True, [], {}])
def test_a13_subject_and_id_are_strings_or_absent(name: str, value: Any) -> None:
    assert cause(token(claims(**{name: value}))) == ("claims", True)
    assert cause(token(claims(**{name: ...}))) is None


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["x"]},
        {"crit": ["b64"], "b64": True},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"crit": None},
        {"b64": False},
        {"b64": None},
        {"b64": 0},
        {"typ": "at+jwt"},
        {"typ": "application/at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": ""},
        {"typ": None},
        {"typ": 5},
        {"typ": ["JWT"]},
    ],
)
def test_a13_a14_an_extension_or_another_type_of_token_is_refused(header: dict[str, Any]) -> None:
    assert cause(token(header=header)) == ("header", False)


@pytest.mark.parametrize("header", [{"typ": ...}, {"typ": "jwt"}, {"typ": "Jwt"}, {"b64": True}])
def test_a14_the_type_is_jwt_in_any_case_or_not_said(header: dict[str, Any]) -> None:
    assert cause(token(header=header)) is None


def test_a13_what_is_not_three_plain_parts_is_malformed() -> None:
    good = token()
    head, payload, signature = good.split(".")
    array, doubled = b64(b"[]"), b64(b'{"alg":"RS256","kid":"k","kid":"k"}')
    for wrong in (
        "", ".", "..", f"{head}.{payload}", f"{head}.{payload}.", f".{payload}.{signature}", f"{head}..{signature}",
        f"{good}.x.y", f"{good}=", f"{good}\n", f" {good}", good.replace("-", "+").replace("_", "/") + "+",
        good + "A" * 16_384, f"{head}.{payload}.é", f"AAAA.{payload}.{signature}", f"{array}.{payload}.{signature}",
        f"{doubled}.{payload}.{signature}",
    ):  # fmt: skip
        assert cause(wrong) == ("malformed", False), wrong[:40]


# A second opinion.

SIGNERS = ("RSA", "EC", "other")
SAID = ("RS256", "ES256", "none", "HS256", "PS256", "RS384", "ES384", "")
MANGLED = ("no", "signature", "payload", "header", "cut", "empty", "swap")


def mangle(text: str, how: str, at: int) -> str:
    parts = text.split(".")
    if how in ("signature", "payload", "header"):
        index = ("header", "payload", "signature").index(how)
        part = parts[index] or "A"
        at %= len(part)
        parts[index] = part[:at] + ("A" if part[at] != "A" else "B") + part[at + 1 :]
    elif how == "cut":
        parts[2] = parts[2][: at % (len(parts[2]) + 1)]
    elif how == "empty":
        parts[2] = ""
    elif how == "swap":
        parts[1], parts[2] = parts[2], parts[1]
    return ".".join(parts)


def pyjwt_takes(text: str, jwk: dict[str, Any]) -> bool:
    algorithm = {"RSA": "RS256", "EC": "ES256"}[jwk["kty"]]
    try:
        key = pyjwt.PyJWK({**jwk, "alg": algorithm})
        pyjwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=AUDIENCE,
            issuer=URL,
            options={
                "require": ["iss", "aud", "exp", "iat"],
                "strict_aud": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (pyjwt.PyJWTError, ValueError):
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(
    by=st.sampled_from(SIGNERS),
    alg=st.sampled_from(SAID),
    key=st.sampled_from(("RSA", "EC")),
    how=st.sampled_from(MANGLED),
    at=st.integers(0, 400),
    aud=st.sampled_from([AUDIENCE, "pypi", [AUDIENCE], None]),
    iss=st.sampled_from([URL, URL + "/", None]),
    sub=st.sampled_from(["s", 5, None]),
)
def test_what_pyjwt_refuses_is_refused_here(
    by: str, alg: str, key: str, how: str, at: int, aud: Any, iss: Any, sub: Any
) -> None:
    text = mangle(token(claims(aud=aud, iss=iss, sub=sub), by=by, alg=alg), how, at)
    if judged(text, key) is None:
        assert pyjwt_takes(text, PUBLIC[key])


@settings(max_examples=40, deadline=None)
@given(by=st.sampled_from(("RSA", "EC")), name=st.sampled_from("abc"), value=st.integers(0, 99))
def test_what_is_sound_both_take(by: str, name: str, value: int) -> None:
    text = token(claims(**{name: value}), by=by, alg={"RSA": "RS256", "EC": "ES256"}[by])
    assert judged(text, by) is None
    assert pyjwt_takes(text, PUBLIC[by])


def test_a_bad_token_is_not_shown_with_its_claims() -> None:
    bad = judged(token(claims(aud="pypi", email="ada@example.org")))
    assert bad is not None
    assert "ada@" not in repr(bad)
