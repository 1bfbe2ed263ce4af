# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""PEP 807 as far as it can be told without a server: discovery, Accept, features."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.protocol.accept import JSON_TYPE, PYTP_TYPE, answer_type, problem_type
from trustpub.protocol.discovery import (
    UPLOAD_KEYS,
    BadQuery,
    Discovery,
    asked_key,
    discovery_key,
    discovery_url,
    offer,
    read_discovery,
)
from trustpub.protocol.exchange import PROBLEM_TYPE, BadBody, UnsupportedFeature, read_mint

UPLOAD_URL = "https://pkg.example/legacy/"
GOOD: dict[str, Any] = {
    "audience-endpoint": "https://pkg.example/_/oidc/audience",
    "token-mint-endpoint": "https://pkg.example/_/oidc/mint-token",
}


def never(host: str) -> bool:
    return False


def read(upload_url: str = UPLOAD_URL, **changes: Any) -> Discovery:
    document = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return read_discovery(json.dumps(document).encode(), upload_url, plain=lambda host: host == "localhost")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/legacy/", "%2Flegacy%2F"),
        ("/legacy", "%2Flegacy"),
        ("", ""),
        ("/", "%2F"),
        ("/a b/", "%2Fa%20b%2F"),
        ("/a+b/", "%2Fa%2Bb%2F"),
        ("/é/", "%2F%C3%A9%2F"),
        ("/legacy/%2F/x", "%2Flegacy%2F%252F%2Fx"),
        ("/a;b=c/~-._", "%2Fa%3Bb%3Dc%2F~-._"),
    ],
)
def test_the_key_is_the_path_percent_encoded_and_is_decoded_once(path: str, key: str) -> None:
    url = f"https://pkg.example:8443{path}?x=1#y"
    assert discovery_key(url) == key
    assert discovery_url(url) == f"https://pkg.example:8443/.well-known/pytp?discover={key}"
    for encode in (quote, quote_plus):  # the PEP's text says the one, its example does the other
        assert asked_key(b"discover=" + encode(path, safe="").encode()) == path


@given(st.text("/ab%+& =;é\u202e\x00", max_size=20))
def test_every_path_finds_back(path: str) -> None:
    assert asked_key(b"discover=" + quote(path, safe="").encode()) == path


@pytest.mark.parametrize("query", [b"discover=", b"discover", b"x=1&discover=&y=2"])
def test_a_blank_key_is_the_path_of_a_url_without_one(query: bytes) -> None:
    assert asked_key(query) == ""


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (b"", "missing"),
        (b"Discover=%2F", "missing"),
        (b"discover[]=%2Flegacy%2F", "missing"),
        (b"discover=%2Flegacy%2F&discover=%2Flegacy%2F", "more than once"),
        (b"a=1&" * 50 + b"discover=", "parameters"),
    ],
)
def test_a_query_that_asks_for_no_or_several_keys_is_bad(query: bytes, why: str) -> None:
    with pytest.raises(BadQuery, match=why):
        asked_key(query)


@pytest.mark.parametrize("query", [b"discover=%252Flegacy%252F", b"discover=%ff", b"discover=\xff", b"discover=/x"])
def test_what_is_encoded_twice_or_not_text_is_no_upload_url(query: bytes) -> None:
    assert asked_key(query) not in UPLOAD_KEYS


def test_a_client_reads_what_an_index_offers() -> None:
    told = offer("https://pkg.example")
    assert read(**told.body()) == told
    assert set(told.features) == {"multi-use-token", "single-use-token"}
    assert told.default_features == ("multi-use-token",)
    silent = read()
    assert (silent.features, silent.default_features) == ((), ("multi-use-token",))
    other: dict[str, Any] = {"default-features": ["single-use-token"]}
    assert read(**other).default_features == ("single-use-token",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"audience-endpoint": None}, "audience-endpoint: is missing"),
        ({"token-mint-endpoint": 1}, "token-mint-endpoint: is missing or not a string"),
        ({"audience-endpoint": "https://evil.example/"}, "audience-endpoint: is not on the host"),
        ({"token-mint-endpoint": "https://pkg.example.evil/"}, "not on the host"),
        ({"token-mint-endpoint": "https://pkg.example@evil.example/"}, "not on the host"),
        ({"token-mint-endpoint": "/_/oidc/mint-token"}, "not on the host"),
        ({"token-mint-endpoint": "https://["}, "is not a URL"),
        ({"token-mint-endpoint": "https://pkg.example:x/"}, "is not a URL"),
        ({"token-mint-endpoint": "http://pkg.example/mint"}, "does not start with https"),
        ({"token-mint-endpoint": "ftp://pkg.example/mint"}, "does not start with https"),
        ({"features": "multi-use-token"}, "features: is not a list of strings"),
        ({"default-features": [1]}, "default-features: is not a list of strings"),
    ],
)
def test_a_client_refuses_a_discovery_that_leads_elsewhere(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(BadBody, match=why):
        read(**changes)


def test_the_port_may_be_another_and_this_machine_may_do_without_tls() -> None:
    assert read(**{"audience-endpoint": "https://PKG.example:8443/a"}).audience_url == "https://PKG.example:8443/a"
    local = dict.fromkeys(GOOD, "http://localhost:1/x")
    assert read("http://localhost:8080/legacy/", **local).mint_url == "http://localhost:1/x"
    with pytest.raises(BadBody, match="https"):
        read_discovery(json.dumps(local).encode(), "http://localhost/", plain=never)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'"x"', b"[" * 100_000, b"null"])
def test_a_client_takes_no_other_document(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_discovery(body, UPLOAD_URL, plain=never)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, PYTP_TYPE),
        ("", PYTP_TYPE),
        ("  ", PYTP_TYPE),
        (PYTP_TYPE, PYTP_TYPE),
        (PYTP_TYPE.upper(), PYTP_TYPE),
        (f"{PYTP_TYPE}, */*;q=0.1", PYTP_TYPE),
        (f"{JSON_TYPE}, {PYTP_TYPE}", PYTP_TYPE),
        (f"{JSON_TYPE};q=0, */*", PYTP_TYPE),
        ("*/*", JSON_TYPE),
        ("application/*", JSON_TYPE),
        (JSON_TYPE, JSON_TYPE),
        (f"{JSON_TYPE}; charset=utf-8", JSON_TYPE),
        (f"{PYTP_TYPE};q=0.5, {JSON_TYPE}", JSON_TYPE),
        (f"{PYTP_TYPE};q=0, */*", JSON_TYPE),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON_TYPE),
        ("text/html", None),
        ("application/xml", None),
        (PROBLEM_TYPE, None),
        ("*/*;q=0", None),
        ("nonsense", None),
        (",;,", None),
        (f"{JSON_TYPE};q=0, {PYTP_TYPE};q=0, */*", None),
    ],
)
def test_accept_shuts_out_only_those_who_can_read_nothing_of_it(accept: str | None, wanted: str | None) -> None:
    assert answer_type(accept) == wanted


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, PROBLEM_TYPE),
        ("*/*", PROBLEM_TYPE),
        (PYTP_TYPE, PROBLEM_TYPE),
        (PROBLEM_TYPE, PROBLEM_TYPE),
        ("text/html", PROBLEM_TYPE),
        (f"{JSON_TYPE}, {PROBLEM_TYPE}", PROBLEM_TYPE),
        (JSON_TYPE, JSON_TYPE),
    ],
)
def test_a_problem_is_called_one_unless_plain_json_is_all_that_is_asked_for(accept: str | None, wanted: str) -> None:
    assert problem_type(accept) == wanted


def mint(**members: Any) -> bool:
    return read_mint(json.dumps({"token": "x.y.z", **members}).encode()).single_use


def test_a_token_is_for_several_uploads_unless_another_is_asked_for() -> None:
    assert not mint()
    assert not mint(features=[])
    assert not mint(features=["multi-use-token"])
    assert mint(features=["single-use-token"])
    assert mint(features=["single-use-token", "single-use-token"])
    assert read_mint(b'{"token": "x.y.z"}').token.reveal() == "x.y.z"


@pytest.mark.parametrize(
    ("features", "why"),
    [
        (["x"], r"features\[0\]: is not a feature"),
        (["single-use-token", "SINGLE-USE-TOKEN"], r"features\[1\]: is not a feature"),
        (["multi-use-token", "single-use-token"], "exclude each other"),
        (["single-use-token", "multi-use-token", "single-use-token"], "exclude each other"),
    ],
)
def test_an_unknown_feature_or_both_at_once_are_unsupported(features: list[str], why: str) -> None:
    with pytest.raises(UnsupportedFeature, match=why):
        mint(features=features)


@pytest.mark.parametrize(
    ("features", "why"),
    [
        (None, "features: is not a list but null"),
        ("secret-value", "features: is not a list but a string"),
        ({}, "features: is not a list but an object"),
        (["single-use-token", 1], r"features\[1\]: is not a string but a number"),
        (["secret-value", []], r"features\[1\]: is not a string but a list"),
    ],
)
def test_features_of_the_wrong_type_are_named_by_their_path_only(features: Any, why: str) -> None:
    with pytest.raises(BadBody, match=why) as caught:
        mint(features=features)
    assert not isinstance(caught.value, UnsupportedFeature)
    assert "secret-value" not in str(caught.value)
