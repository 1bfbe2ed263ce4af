# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The binary form of a token, byte by byte: what is read, and what is not."""

from __future__ import annotations

import base64

import pymacaroons
import pytest

from trustpub.secret import Secret
from trustpub.tokens import macaroon

KEY = b"k" * 32
SIGNATURE = bytes(range(32))


def field(kind: int, body: bytes, length: bytes | None = None) -> bytes:
    return bytes([kind]) + (bytes([len(body)]) if length is None else length) + body


def a_token(
    *, version: bytes = b"\x02", location: bytes = field(1, b"host"), identifier: bytes = field(2, b"id") + b"\x00",
    caveats: bytes = b"", end: bytes = b"\x00", signature: bytes = field(6, SIGNATURE),
) -> Secret:  # fmt: skip
    body = version + location + identifier + caveats + end + signature
    return Secret("pypi-" + base64.urlsafe_b64encode(body).decode().rstrip("="))


def test_a_token_is_its_parts_in_order() -> None:
    parsed = macaroon.parse(a_token(caveats=field(2, b"[]") + b"\x00" + field(1, b"near") + field(2, b"[1]") + b"\x00"))
    assert parsed == macaroon.Macaroon(location="host", identifier="id", caveats=(b"[]", b"[1]"), signature=SIGNATURE)


def test_a_token_may_go_without_a_location_and_without_caveats() -> None:
    parsed = macaroon.parse(a_token(location=b""))
    assert (parsed.location, parsed.caveats) == ("", ())


@pytest.mark.parametrize(
    "token",
    [
        a_token(version=b"\x01"),
        a_token(location=field(1, b"\xff")),
        a_token(identifier=field(2, b"\xff") + b"\x00"),
        a_token(identifier=field(2, b"id")),
        a_token(identifier=b"\x00"),
        a_token(caveats=field(2, b"[]") + field(4, b"verification") + b"\x00"),
        a_token(caveats=field(1, b"near") + b"\x00"),
        a_token(caveats=field(3, b"x") + b"\x00"),
        a_token(end=b""),
        a_token(signature=b""),
        a_token(signature=field(6, SIGNATURE[:-1])),
        a_token(signature=field(6, SIGNATURE + b"x")),
        a_token(signature=field(5, SIGNATURE)),
        a_token(signature=field(6, SIGNATURE) + b"\x00"),
        a_token(signature=field(6, SIGNATURE, b"\x21")),
        a_token(signature=field(6, SIGNATURE, b"\xff\xff\xff\x01")),
        a_token(signature=field(6, SIGNATURE, b"\xff")[:2]),
        a_token(location=field(1, b"host", b"\x80\x80\x80\x00")),
    ],
)
def test_what_is_not_of_that_form_is_no_token(token: Secret) -> None:
    with pytest.raises(macaroon.BadMacaroon) as caught:
        macaroon.parse(token)
    assert str(caught.value) == "not a token of this form"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 300, 8_000])
def test_lengths_are_written_as_others_read_them(size: int) -> None:
    made = macaroon.create(location="host", identifier="id", root_key=KEY, caveats=(b"c" * size,))
    text = made.serialize()
    assert macaroon.parse(text) == made
    theirs = pymacaroons.Macaroon.deserialize(text.reveal().removeprefix("pypi-"))
    assert [caveat.caveat_id_bytes for caveat in theirs.caveats] == [b"c" * size]


def test_the_longest_token_is_read_and_a_longer_one_is_not() -> None:
    made = macaroon.create(location="host", identifier="id", root_key=KEY, caveats=(b"c" * 12_214,))
    text = made.serialize().reveal()
    assert len(text) <= macaroon.MAX_TOKEN_CHARS
    assert macaroon.parse(Secret(text)) == made
    with pytest.raises(macaroon.BadMacaroon):
        macaroon.parse(Secret(text + "=" * (macaroon.MAX_TOKEN_CHARS - len(text) + 1)))


def test_whoever_holds_a_token_can_restrict_it_and_nothing_else() -> None:
    made = macaroon.create(location="host", identifier="id", root_key=KEY, caveats=(b"[]",))
    narrower = made.restrict(b"[1]")
    assert narrower == macaroon.create(location="host", identifier="id", root_key=KEY, caveats=(b"[]", b"[1]"))
    assert narrower.signed_by(KEY)
    assert not macaroon.Macaroon(
        location="host", identifier="id", caveats=(b"[]",), signature=narrower.signature
    ).signed_by(KEY)
