# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What may be read of a token before its signature is checked."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.trust.claims import (
    MAX_TOKEN_BYTES,
    BadClaim,
    MalformedToken,
    SignedClaims,
    Unverified,
    optional_text,
    peek,
    text,
)


def encoded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def a_token(header: object = None, payload: object = None) -> str:
    return ".".join(
        [
            encoded({"kid": "k"} if header is None else header),
            encoded({"iss": "i"} if payload is None else payload),
            "c2ln",
        ]
    )


def test_issuer_and_key_id_are_all_that_is_read() -> None:
    assert peek(a_token({"kid": "k", "jku": "https://evil"}, {"iss": "i", "aud": "x"})) == Unverified(
        issuer="i", kid="k"
    )


@pytest.mark.parametrize(
    "token",
    [
        "", "a.b", "a.b.c.d", "..", "a..b", "not a token", "x" * (MAX_TOKEN_BYTES + 1),
        a_token([]), a_token(None, []), a_token("{"), a_token({"kid": 1}), a_token({}), a_token({"kid": ""}),
        a_token(None, {}), a_token(None, {"iss": ["i"]}), a_token(None, {"iss": {}}), a_token(None, {"iss": ""}),
        a_token(None, '{"iss":"i","iss":"j"}'), a_token('{"kid":"a","kid":"b"}'), a_token(None, "[" * 9000),
        "é.é.é", a_token().replace(".", " .", 1), a_token().replace(".", "\n.", 1), a_token().replace(".", "=.", 1),
        a_token().replace("c2ln", "c2l+"), a_token().replace("c2ln", "c2l/"), a_token() + "\n", "A.A.A",
        a_token() + ".AAAA", "_w._w._w",
        a_token(None, '{"iss":"i","x":"\\ud800"}'), a_token('{"kid":"k","x":["\\udfff"]}'),
    ],
)  # fmt: skip
def test_what_is_no_token_is_malformed_and_the_message_holds_none_of_it(token: str) -> None:
    with pytest.raises(MalformedToken) as caught:
        peek(token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("x" * (MAX_TOKEN_BYTES + 1), f"is longer than {MAX_TOKEN_BYTES} bytes"),
        ("a.b", "is not three base64url-encoded parts joined by dots"),
        (a_token([]), "has a header that is not a JSON object"),
        (a_token("{"), "has a header that is not base64url-encoded JSON"),
        (a_token(None, []), "has a payload that is not a JSON object"),
        (a_token(None, "{"), "has a payload that is not base64url-encoded JSON"),
        (a_token({}, {}), "has no issuer (`iss`)"),
        (a_token({}), "names no key (`kid`)"),
    ],
)
def test_what_is_wrong_with_a_token_is_said(token: str, problem: str) -> None:
    with pytest.raises(MalformedToken) as caught:
        peek(token)
    assert str(caught.value) == problem


@pytest.mark.parametrize("length", range(1, 25))
def test_a_part_of_any_length_is_read(length: int) -> None:
    assert peek(a_token({"kid": "k" * length}, {"iss": "i" * length})) == Unverified(
        issuer="i" * length, kid="k" * length
    )


def test_the_longest_token_is_read_and_a_longer_one_is_not() -> None:
    assert MAX_TOKEN_BYTES == 16_384
    token = a_token()
    longest = token + "A" * (MAX_TOKEN_BYTES - len(token))
    assert peek(longest).issuer == "i"
    with pytest.raises(MalformedToken):
        peek(longest + "A")


def test_whole_surrogate_pairs_and_any_other_letter_are_text() -> None:
    assert peek(a_token(None, '{"iss":"\\ud83d\\ude00","x":"\u00e9"}')).issuer == "\U0001f600"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is missing"), ("", "is empty"), (1, "is not a string but int"), (True, "is not a string but bool"),
        ([], "is not a string but list"), ({}, "is not a string but dict"), (0.5, "is not a string but float"),
        ("a\nb", "holds a control character"), ("\x00", "holds a control character"),
        ("a\x1f", "holds a control character"), ("\x7f", "holds a control character"),
    ],
)  # fmt: skip
def test_a_claim_that_is_no_text_is_bad(value: object, problem: str) -> None:
    claims = SignedClaims({"x": value})
    with pytest.raises(BadClaim) as caught:
        text(claims, "x")
    assert (caught.value.name, caught.value.problem, str(caught.value)) == ("x", problem, f"claim 'x' {problem}")
    if value in (None, ""):
        assert optional_text(claims, "x") is None
    else:
        with pytest.raises(BadClaim):
            optional_text(claims, "x")


def test_a_claim_that_is_a_text_is_that_text() -> None:
    claims = SignedClaims({"x": " a \u00e9~", "empty": ""})
    assert (text(claims, "x"), optional_text(claims, "x"), optional_text(claims, "y")) == (" a \u00e9~",) * 2 + (None,)


@given(token=st.text(alphabet='abe.=-_{"0', max_size=60))
def test_any_text_is_read_or_malformed(token: str) -> None:
    with contextlib.suppress(MalformedToken):
        assert isinstance(peek(token), Unverified)
