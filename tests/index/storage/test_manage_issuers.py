# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import RSAKey

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.issuers import WantedTerms
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.publishers import Publishers
from trustpub.index.ports import FORGET_KEYS
from trustpub.index.registration import Wanted

from .conftest import PUBLIC, SetClock, event_kinds

WANTED = Wanted(
    project="Hello",
    fields={"repository": "o/hello", "workflow": "release.yml", "owner_id": "1", "repository_id": "2"},
    pending=True,
)
ENTERPRISE = "https://ghes.example/_services/token"


def a_key_set(*, private: bool = False, kid: str | None = "1") -> dict[str, Any]:
    key = RSAKey.generate_key(2048).as_dict(private=private)
    return {"keys": [{**key, "kid": kid} if kid else {name: value for name, value in key.items() if name != "kid"}]}


def test_new_keys_for_a_known_issuer_are_said_to_be_a_replacement(
    issuers: Issuers, publishers: Publishers, store: SqlStore
) -> None:
    publishers.add(WANTED)
    before = issuers.add(PUBLIC, jwks=a_key_set())
    assert before.replaced
    assert before.publishers == 1
    assert event_kinds(store)[-1] == "issuer-keys-replaced"
    assert issuers.add(PUBLIC).replaced
    with pytest.raises(Declined, match="known already"):
        issuers.add(PUBLIC)
    new = issuers.add(ENTERPRISE)
    assert not new.replaced
    assert new.before is None


def test_other_terms_are_a_change_and_no_replacement(issuers: Issuers, store: SqlStore) -> None:
    issuers.add(ENTERPRISE)
    known = issuers.add(ENTERPRISE, terms=WantedTerms(token_lifetime=3600))
    assert not known.replaced
    assert event_kinds(store)[-1] == "issuer-changed"
    assert issuers.get(ENTERPRISE).terms.token_lifetime == 3600


def test_an_issuer_stays_of_its_kind(issuers: Issuers) -> None:
    issuers.add("https://ci.example", "generic")
    with pytest.raises(Declined, match="known as one of kind generic"):
        issuers.add("https://ci.example", "gitlab")


def test_an_issuer_with_publishers_stays(issuers: Issuers, publishers: Publishers, store: SqlStore) -> None:
    registered = publishers.add(WANTED)
    with pytest.raises(Declined, match="1 registered publisher"):
        issuers.remove(PUBLIC)
    publishers.remove(registered.publisher.id)
    issuers.remove(PUBLIC)
    assert event_kinds(store)[-1] == "issuer-removed"
    with pytest.raises(Declined, match="not known"):
        issuers.remove(PUBLIC)
    with pytest.raises(Declined, match="not known"):
        issuers.get(PUBLIC)


def test_keys_are_forgotten_as_often_as_asked_and_each_time_is_noted(issuers: Issuers, store: SqlStore) -> None:
    issuers.forget_keys(PUBLIC)
    issuers.forget_keys(PUBLIC)
    with store.read() as reading:
        assert reading.fact(FORGET_KEYS + PUBLIC) == "2"
    assert event_kinds(store) == ["issuer-keys-forgotten"] * 2
    with pytest.raises(Declined, match="not known"):
        issuers.forget_keys("https://other.example")
    issuers.add(ENTERPRISE, jwks=a_key_set())
    with pytest.raises(Declined, match="given and are never fetched"):
        issuers.forget_keys(ENTERPRISE)


OWN = [
    "https://localhost", "https://ci.localhost:8443", "https://127.0.0.1:1", "https://127.8.8.8", "https://[::1]:1",
    "https://[::ffff:127.0.0.1]", "https://0.0.0.0", "https://ci.test", "https://ci.TEST.", "http://127.0.0.1:1",
]  # fmt: skip


@pytest.mark.parametrize("url", OWN)
def test_only_a_rehearsal_believes_issuers_on_this_machine(store: SqlStore, clock: SetClock, url: str) -> None:
    with pytest.raises(Misuse, match="only a rehearsal believes"):
        Issuers(store, clock, rehearsal=False).add(url, "generic")
    assert Issuers(store, clock, rehearsal=True).add(url, "generic").issuer.url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://ci.example", "http://ci.test", "ci.example", "https://", "ftp://ci.example", "https://127.1",
        "https://0x7f.1", "https://2130706433", "https://a@ci.example", "https://ci.example?a", "https://ci.example?",
        "https://ci.example#", "https://ci.example/a b", "https://ci.example\n", "https://ci.example:x",
        "https://[::1", "https://ci..example", "https://\u202eci.example",
    ],
)  # fmt: skip
def test_what_is_no_issuer_is_refused_even_in_a_rehearsal(store: SqlStore, clock: SetClock, url: str) -> None:
    with pytest.raises(Misuse):
        Issuers(store, clock, rehearsal=True).add(url, "generic")


@pytest.mark.parametrize(
    ("jwks", "sentence"),
    [
        ({}, "at least one key"),
        ({"keys": []}, "at least one key"),
        ({"keys": ["x"]}, "at least one key"),
        (a_key_set(private=True), "private"),
        ({"keys": [{"kty": "oct", "k": "AAAA", "kid": "1"}]}, "shared"),
        (a_key_set(kid=None), "id"),
        ({"keys": a_key_set()["keys"] * 2}, "id"),
        ({"keys": [{"kty": "OKP", "kid": "1"}]}, "neither"),
    ],
)
def test_key_sets_hold_public_keys_with_ids(issuers: Issuers, jwks: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        issuers.add("https://ci.example", "generic", jwks=jwks)


@pytest.mark.parametrize("ca", ["", "nothing", "-----BEGIN PRIVATE KEY-----"])
def test_certificates_are_certificates(issuers: Issuers, ca: str) -> None:
    with pytest.raises(Misuse):
        issuers.add("https://ci.example", "generic", ca=ca)
