# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Minted tokens, checked by the libraries that other people check them with."""

from __future__ import annotations

import base64
import contextlib
import json
import uuid

import pymacaroons
import pypitoken
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import (
    BadCaveat,
    Caveat,
    Context,
    Expiry,
    ProjectIds,
    ProjectNames,
    PublisherId,
    UserId,
    read,
    refusals_at,
    refusals_for,
    write,
)
from trustpub.tokens.keys import RootKeys

KEYS = RootKeys(b"a server secret of 32 bytes long.")
ID = "6f5e1f4e-4f1c-4c1e-9c7b-3d4c2f8e5a11"
PROJECT = "11111111-2222-3333-4444-555555555555"
EVERY: tuple[Caveat, ...] = (
    PublisherId("pub"),
    ProjectIds((PROJECT,)),
    ProjectNames(("hello",)),
    UserId("u"),
    Expiry(expires_at=200, not_before=100),
)


def a_macaroon(*caveats: Caveat) -> macaroon.Macaroon:
    return macaroon.create(
        location="index.example",
        identifier=ID,
        root_key=KEYS.root(ID),
        caveats=tuple(write(caveat) for caveat in caveats or EVERY),
    )


def test_the_token_is_byte_for_byte_the_one_that_pymacaroons_makes() -> None:
    theirs = pymacaroons.Macaroon(
        location="index.example", identifier=ID, key=KEYS.root(ID), version=pymacaroons.MACAROON_V2
    )
    for caveat in EVERY:
        theirs.add_first_party_caveat(write(caveat).decode())
    assert a_macaroon().serialize().reveal() == "pypi-" + theirs.serialize().rstrip("=")


def test_pymacaroons_parses_and_verifies_the_token() -> None:
    parsed = pymacaroons.Macaroon.deserialize(a_macaroon().serialize().reveal().removeprefix("pypi-"))
    assert (parsed.identifier, parsed.location) == (ID.encode(), "index.example")
    verifier = pymacaroons.Verifier()
    verifier.satisfy_general(lambda caveat: bool(json.loads(caveat)))
    assert verifier.verify(parsed, KEYS.root(ID))


def test_pypitoken_parses_the_token_and_verifies_every_caveat_it_knows() -> None:
    known = (ProjectIds((PROJECT,)), ProjectNames(("hello",)), UserId(ID), Expiry(expires_at=200, not_before=100))
    token = pypitoken.Token.load(a_macaroon(*known).serialize().reveal())
    assert (token.domain, token.identifier, token.prefix) == ("index.example", ID, "pypi")
    token.check(key=KEYS.root(ID), project_name="hello", now=150, project_id=PROJECT, user_id=ID)
    with pytest.raises(pypitoken.ValidationError):
        token.check(key=KEYS.root(ID), project_name="hello", now=200, project_id=PROJECT, user_id=ID)


def test_a_token_restricted_by_pypitoken_is_still_ours_and_keeps_the_restriction() -> None:
    token = pypitoken.Token.load(a_macaroon().serialize().reveal())
    token.restrict(not_before=1, not_after=5)
    parsed = macaroon.parse(Secret(token.dump()))
    assert parsed.signed_by(KEYS.root(ID))
    assert read(parsed.caveats[-1]) == Expiry(expires_at=5, not_before=1)


def test_a_token_parses_back_to_itself_and_is_signed_by_its_key_alone() -> None:
    token = a_macaroon()
    assert macaroon.parse(token.serialize()) == token
    assert token.signed_by(KEYS.root(ID))
    assert not token.signed_by(KEYS.root(str(uuid.UUID(int=1))))
    assert not token.signed_by(RootKeys(b"another secret of 32 bytes, or so").root(ID))


def test_a_caveat_taken_away_or_put_between_breaks_the_signature() -> None:
    token = a_macaroon()
    for caveats in (token.caveats[:-1], token.caveats[1:], (*token.caveats, write(UserId("x"))), token.caveats[::-1]):
        changed = macaroon.Macaroon(
            location=token.location, identifier=token.identifier, caveats=caveats, signature=token.signature
        )
        assert not changed.signed_by(KEYS.root(ID))


@pytest.mark.parametrize("text", ["", "pypi-", "pypi-AgE", "PYPI-" + "A" * 40, "x", "pypi-é", "pypi-" + "A" * 20_000])
def test_what_is_no_token_is_a_bad_macaroon(text: str) -> None:
    with pytest.raises(macaroon.BadMacaroon):
        macaroon.parse(Secret(text))


@given(data=st.data())
def test_a_token_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    text = a_macaroon().serialize().reveal()
    at = data.draw(st.integers(min_value=5, max_value=len(text) - 2))
    other = data.draw(st.sampled_from([c for c in "ABCDabcd0189-_" if c != text[at]]))
    try:
        changed = macaroon.parse(Secret(text[:at] + other + text[at + 1 :]))
    except macaroon.BadMacaroon:
        return
    # The location is a hint that nobody signs.
    assert not changed.signed_by(KEYS.root(ID)) or changed.location != "index.example"


@given(body=st.binary(max_size=80))
def test_any_bytes_are_a_token_or_a_bad_macaroon(body: bytes) -> None:
    with contextlib.suppress(macaroon.BadMacaroon):
        macaroon.parse(Secret("pypi-" + base64.urlsafe_b64encode(body).decode()))


def test_nothing_that_shows_a_macaroon_shows_its_signature() -> None:
    token = a_macaroon()
    assert token.signature.hex() not in repr(token)
    assert str(token.signature) not in repr(token)
    assert token.serialize().reveal() not in f"{token.serialize()} {token.serialize()!r}"


def test_caveats_are_written_as_pypi_writes_them() -> None:
    assert [write(caveat) for caveat in EVERY] == [
        b'[4,"pub",null]', b'[2,["%s"]]' % PROJECT.encode(), b'[1,["hello"]]', b'[3,"u"]', b"[0,200,100]",
    ]  # fmt: skip
    assert tuple(read(write(caveat)) for caveat in EVERY) == EVERY


def test_values_beyond_the_known_fields_are_passed_over() -> None:
    assert read(b'[3,"u",1,2]') == UserId("u")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'[5,"x"]', "unknown tag"),
        (b"[-1]", "unknown tag"),
        (b"[]", "empty"),
        (b"{}", "array"),
        (b"1", "array"),
        (b"x", "JSON"),
        (b"\xff", "JSON"),
        (b"[[", "JSON"),
        (b'["0"]', "tag"),
        (b"[true,1,2]", "tag"),
        (b"[0]", "invalid values"),
        (b"[0,1]", "invalid values"),
        (b'[0,"1",2]', "invalid values"),
        (b"[0,true,2]", "invalid values"),
        (b"[0,1.0,2]", "invalid values"),
        (b'[1,"a"]', "invalid values"),
        (b"[2,[1]]", "invalid values"),
        (b"[3,1]", "invalid values"),
        (b"[4]", "invalid values"),
    ],
)
def test_a_caveat_that_is_not_understood_refuses(data: bytes, why: str) -> None:
    with pytest.raises(BadCaveat, match=why):
        read(data)


@pytest.mark.parametrize(
    ("now", "why"), [(99, ["token is not valid yet"]), (100, []), (199.9, []), (200, ["token is expired"])]
)
def test_time_runs_from_not_before_to_just_before_expiry_without_leeway(now: float, why: list[str]) -> None:
    assert refusals_at(EVERY, now) == why


GOOD = Context(
    project_id=PROJECT, project="hello", user_id="u", publisher_id="pub", publisher_projects=frozenset({PROJECT})
)


def test_scope_holds_where_everything_is_as_written() -> None:
    assert refusals_for(EVERY, GOOD) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"project": "other", "project_id": "x"}, "token is not valid for project 'other'"),
        ({"project": None, "project_id": None}, "project-scoped token used outside of a project context"),
        ({"user_id": None}, "token belongs to another user"),
        ({"publisher_id": "else"}, "token belongs to another publisher"),
        ({"publisher_projects": frozenset()}, "token is not valid for project 'hello'"),
    ],
)
def test_scope_refuses_once_per_reason(changes: dict[str, object], why: str) -> None:
    context = Context(**{**{name: getattr(GOOD, name) for name in Context.__dataclass_fields__}, **changes})
    found = refusals_for(EVERY, context)
    assert why in found
    assert len(found) == len(set(found))


def test_a_secret_too_short_to_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        RootKeys(b"short")
    assert "a server secret" not in repr(KEYS)
