# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Many mints in one round: as if each came alone, but for the trip to the disk."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from trustpub.index.kept import Issuer
from trustpub.protocol.exchange import Minted, Problem
from trustpub.tokens import macaroon

PEER = "192.0.2.7"


def test_each_gets_its_own_answer_and_no_refusal_is_anybody_elses(bench: Any) -> None:
    bodies = [
        bench.body(jti="a"),
        b"{}",
        bench.body(jti="b", environment="staging"),
        bench.body(jti="c", aud="another"),
        bench.body(jti="d"),
    ]
    answers = bench.mint.mint_together([(body, PEER) for body in bodies])
    assert [getattr(one, "code", "") for one in answers] == [
        "", "invalid-payload", "invalid-publisher", "invalid-token", "",
    ]  # fmt: skip
    assert len({answers[0].token.reveal(), answers[4].token.reveal()}) == 2
    with bench.store.read() as reading:
        kinds = [event.kind for event in reading.events()]
        assert kinds.count("token-minted") == 2
        assert len(reading.attempts(project_id="project-1")) == 1


def test_the_same_identity_token_twice_in_one_round_is_one_token(bench: Any) -> None:
    body, other = bench.body(jti="a"), bench.body(jti="a").replace(b"{", b"{ ", 1)
    first, again, elsewhere = bench.mint.mint_together([(body, PEER), (body, PEER), (other, PEER)])
    assert isinstance(first, Minted)
    assert isinstance(again, Minted)
    assert first.token.reveal() == again.token.reveal()
    assert isinstance(elsewhere, Problem)


def test_nobody_is_asked_for_keys_while_others_wait(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = bench.mint
    keys = mint._proof._keys

    def get(issuer: Issuer, kid: str) -> Mapping[str, Any]:
        raise AssertionError("asked")

    monkeypatch.setattr(type(keys), "at_hand", lambda *_: False)
    with monkeypatch.context() as patched:
        patched.setattr(type(keys), "get", get)
        assert mint.mint_together([(bench.body(jti="a"), PEER), (b"{}", PEER)])[0] is None
    assert isinstance(mint.mint(bench.body(jti="a"), PEER), Minted)


def test_a_fault_of_ours_in_one_request_is_told_to_that_one_alone(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = bench.mint
    real = type(mint._proof).of

    def of(proof: Any, body: bytes, *rest: Any) -> Any:
        if body == b"!":
            raise ZeroDivisionError
        return real(proof, body, *rest)

    monkeypatch.setattr(type(mint._proof), "of", of)
    good, bad = mint.mint_together([(bench.body(jti="a"), PEER), (b"!", PEER)])
    assert isinstance(good, Minted)
    assert isinstance(bad, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        mint.mint(b"!", PEER)


def test_no_requests_are_no_trouble(bench: Any) -> None:
    assert bench.mint.mint_together([]) == []


def test_the_id_of_a_token_begins_with_its_time_and_is_otherwise_chance(bench: Any) -> None:
    """So that the rows of one round lie on few pages (RFC 9562 section 5.7)."""
    answers = bench.mint.mint_together([(bench.body(jti=name), PEER) for name in "abcdefgh"])
    ids = [uuid.UUID(macaroon.parse(answer.token).identifier) for answer in answers]
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert {one.int >> 80 for one in ids} == {int(bench.clock.now * 1000)}
    assert len({one.int & ((1 << 62) - 1) for one in ids}) == len(ids)
