# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Bodies of the exchange, written and read."""

from __future__ import annotations

import json
import unicodedata
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.protocol.exchange import (
    BadBody,
    Minted,
    Problem,
    read_audience,
    read_mint,
    read_minted,
    read_refusal,
    read_token,
)
from trustpub.secret import Secret
from trustpub.trust.mismatch import Mismatch

NASTY = "![x](https://evil.example) <img src=x> ::add-mask::y ##[error]\x1b[31m\u202e\ud800\r\n::warning::z"


def problem(detail: str = "no", **more: Any) -> Problem:
    return Problem(status=422, code="invalid-publisher", title="Token request failed", detail=detail, **more)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"token=x", "not JSON"),
        (b"\xff\xfe", "not JSON in UTF-8"),
        ('{"token": "x"}'.encode("utf-16"), "not JSON in UTF-8"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a":' * 50_000, "not JSON"),
        (b"9" * 10_000, "not JSON"),
        (b'{"token": "x", "a": NaN}', "a number that is none"),
        (b'{"token": "x", "a": -Infinity}', "a number that is none"),
        (b'{"token": "x", "token": "y"}', "a member twice"),
        (b'{"token": "x", "a": {"b": 1, "b": 2}}', "a member twice"),
        (b"[]", "not a JSON object but a list"),
        (b"null", "not a JSON object but null"),
        (b"true", "not a JSON object but a boolean"),
        (b"1.5", "not a JSON object but a number"),
        (b'"secret-value"', "not a JSON object but a string"),
        (b"{}", "token: is missing"),
        (b'{"token": null}', "token: is not a string but null"),
        (b'{"token": ["secret-value"]}', "token: is not a string but a list"),
        (b'{"token": "\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_a_request_is_an_object_with_a_token_and_nothing_ambiguous(body: bytes, why: str) -> None:
    for read in (read_token, read_mint):
        with pytest.raises(BadBody, match=why) as caught:
            read(body)
        assert "secret-value" not in str(caught.value)


def test_members_that_nobody_knows_are_passed_over() -> None:
    assert read_token(b'{"x": [{}], "token": "a.b.c", "y": 1e999}').reveal() == "a.b.c"
    assert read_token(json.dumps({"token": "\U0001f600"}).encode()).reveal() == "\U0001f600"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text("ab{}é", max_size=5), st.lists, max_leaves=5))
def test_whatever_json_comes_is_read_or_named(value: Any) -> None:
    for document in (value, {"token": value}, {"token": "x", "features": value}):
        with suppress(BadBody):
            read_mint(json.dumps(document).encode())


def test_an_audience_and_a_minted_token_are_read() -> None:
    assert read_audience(b'{"audience": "x"}') == "x"
    assert read_minted(b'{"token": "pypi-x"}').expires is None
    minted = Minted(token=Secret("pypi-x"), expires=5)
    assert read_minted(json.dumps(minted.body()).encode()) == minted


@pytest.mark.parametrize("body", [b"{}", b'{"audience": ""}', b'{"audience": 1}', b"[]", b"x"])
def test_what_is_no_audience_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_audience(body)


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"token": ""}', b'{"token": 1}', b'{"token": "x", "expires": true}', b'{"token": "x", "expires": 1.5}'],
)
def test_what_is_no_minted_token_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_minted(body)


def test_a_problem_speaks_three_dialects_at_once() -> None:
    mismatches = (Mismatch(field="ref", given="a", wanted=None), Mismatch(field="event", given=None, wanted="push"))
    body = problem("because", mismatches=mismatches).body("https://index.example")
    assert body == {
        "type": "https://index.example/problems/invalid-publisher",
        "title": "Token request failed",
        "status": 422,
        "detail": "because",
        "message": "Token request failed",
        "errors": [{"code": "invalid-publisher", "description": "because"}],
        "mismatches": [
            {"field": "ref", "given": "a", "wanted": None},
            {"field": "event", "given": None, "wanted": "push"},
        ],
    }
    read = read_refusal(422, json.dumps(body).encode())
    assert (list(read.reasons), read.mismatches) == ([("invalid-publisher", "because")], list(mismatches))
    assert problem().body()["type"] == "about:blank"
    assert "mismatches" not in problem().body()


def test_what_was_sent_commands_nothing_where_a_problem_is_shown() -> None:
    body = problem(NASTY, mismatches=(Mismatch(field="ref", given=NASTY, wanted=NASTY),)).body()
    said = [body["detail"], body["errors"][0]["description"], *list(body["mismatches"][0].values())[1:]]
    for text in said:
        assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs") for one in text)
        for command in ("::", "##[", "](", "<img", "\n"):
            assert command not in text
        assert "https://evil.example" in text  # it is told all the same


def test_a_problem_is_bounded_whatever_was_sent() -> None:
    body = problem("x" * 1_000_000, mismatches=(Mismatch(field="ref", given="y" * 1_000_000, wanted=None),)).body()
    assert len(json.dumps(body)) < 50_000


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b"<html>", []),
        (b"[]", []),
        (b"{}", []),
        (b'{"errors": [{"code": "a", "description": "b"}, {}, 1, {"code": 5}]}', [("a", "b"), ("5", "")]),
        (b'{"errors": "no", "detail": "why"}', [("", "why")]),
        (b'{"message": "why", "code": "c"}', [("c", "why")]),
        (b'{"title": {"a": 1}}', [("", '{"a": 1}')]),
    ],
)
def test_a_refusal_is_read_in_every_dialect(body: bytes, reasons: list[tuple[str, str]]) -> None:
    assert list(read_refusal(400, body).reasons) == reasons


def test_a_fields_difference_is_read_whatever_its_type() -> None:
    body = {"mismatches": [{"field": "a", "given": 1, "wanted": None}, "x"]}
    assert read_refusal(422, json.dumps(body).encode()).mismatches == [Mismatch(field="a", given="1", wanted=None)]
