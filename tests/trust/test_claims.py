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

from trustpub.trust.claims import MAX_TOKEN_BYTES, MalformedToken, Unverified, peek


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
        "é.é.é", a_token().replace(".", " .", 1),
    ],
)  # fmt: skip
def test_what_is_no_token_is_malformed_and_the_message_holds_none_of_it(token: str) -> None:
    with pytest.raises(MalformedToken) as caught:
        peek(token)
    assert not token or token not in str(caught.value)


@given(token=st.text(alphabet='abe.=-_{"0', max_size=60))
def test_any_text_is_read_or_malformed(token: str) -> None:
    with contextlib.suppress(MalformedToken):
        assert isinstance(peek(token), Unverified)
