# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from trustpub.index.adapters.jwks import (
    ALLOWED_HOSTS,
    COOLDOWN_SECONDS,
    FRESH_SECONDS,
    USABLE_SECONDS,
    JwksKeys,
)
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Issuer
from trustpub.index.manage.issuers import Issuers
from trustpub.index.ports import FORGET_KEYS, IssuerDown, NoSuchKey
from trustpub.trust.provider import Terms

from .conftest import SetClock
from .issuer_site import DISCOVERY, Site, an_ec_key, an_rsa_key, number, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


@pytest.fixture
def keys(clock: SetClock) -> JwksKeys:
    return JwksKeys(env={}, clock=clock, rehearsal=True)


def a_static(*keys: Any) -> Issuer:
    return Issuer(url="https://ci.example", kind="github", jwks={"keys": list(keys)})


def test_given_keys_are_never_fetched(keys: JwksKeys) -> None:
    given = a_static(an_rsa_key("1"))
    assert keys.get(given, "1")["kty"] == "RSA"
    with pytest.raises(NoSuchKey):
        keys.get(given, "2")


def test_given_keys_are_never_aged_and_never_mixed_with_fetched_ones(
    keys: JwksKeys, site: Site, clock: SetClock
) -> None:
    site.be_issuer("fetched")
    keys.get(site.issuer, "fetched")
    given = replace(site.issuer, jwks={"keys": [an_rsa_key("given")]})
    clock.now += 2 * USABLE_SECONDS
    assert keys.get(given, "given")
    with pytest.raises(NoSuchKey):
        keys.get(given, "fetched")
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "given")


def test_keys_are_discovered_and_kept_for_an_hour(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    assert keys.get(site.issuer, "1")["kid"] == "1"
    assert site.asked == [DISCOVERY, "/keys"]
    site.be_issuer("2")
    clock.now += FRESH_SECONDS
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "1")
    assert keys.get(site.issuer, "2")["kid"] == "2"


def test_only_a_key_that_nobody_has_to_be_asked_for_is_at_hand(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    assert keys.at_hand(a_static(), "whatever")
    assert not keys.at_hand(site.issuer, "1")
    assert site.asked == []
    keys.get(site.issuer, "1")
    assert keys.at_hand(site.issuer, "1")
    assert not keys.at_hand(site.issuer, "2")
    clock.now += FRESH_SECONDS
    assert not keys.at_hand(site.issuer, "1")


def test_a_given_set_that_was_replaced_is_looked_at_again(keys: JwksKeys) -> None:
    old, new = a_static(an_rsa_key("1")), a_static(an_rsa_key("2"))
    for given, here, gone in ((old, "1", "2"), (new, "2", "1"), (old, "1", "2")):
        assert keys.get(given, here)
        with pytest.raises(NoSuchKey):
            keys.get(given, gone)


def test_unknown_keys_cost_one_request_a_minute(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    clock.now += COOLDOWN_SECONDS
    for _ in range(5):
        with pytest.raises(NoSuchKey):
            keys.get(site.issuer, "unknown")
    assert site.fetches == 2
    site.be_issuer("1", "new")
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "new")
    clock.now += COOLDOWN_SECONDS
    assert keys.get(site.issuer, "new")["kid"] == "new"


def test_a_failure_is_not_repeated_for_a_minute_and_says_when_to_come_back(
    keys: JwksKeys, site: Site, clock: SetClock
) -> None:
    for later, seconds in ((0, 60), (20, 40), (39.5, 1)):
        clock.now += later
        with pytest.raises(IssuerDown, match="status 404") as down:
            keys.get(site.issuer, "1")
        assert down.value.retry_after == seconds
    assert site.fetches == 1
    site.be_issuer("1")
    clock.now += 0.5
    assert keys.get(site.issuer, "1")


def test_an_issuer_that_is_down_is_believed_by_its_old_keys_for_a_day(
    keys: JwksKeys, site: Site, clock: SetClock
) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    site.pages.clear()
    clock.now += USABLE_SECONDS - 1
    assert keys.get(site.issuer, "1")
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "2")
    clock.now += 1
    with pytest.raises(IssuerDown):
        keys.get(site.issuer, "1")


def test_a_clock_that_is_set_back_makes_no_set_last_longer(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    site.pages.clear()
    clock.now -= USABLE_SECONDS
    with pytest.raises(IssuerDown):
        keys.get(site.issuer, "1")


def test_an_empty_set_is_never_kept(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    site.be_issuer()
    clock.now += FRESH_SECONDS
    assert keys.get(site.issuer, "1")


def test_tob_pypi26_12_keys_of_one_issuer_are_never_those_of_another(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("same")
    with serving() as other:
        other.be_issuer()
        other.put("/keys", {"keys": [an_ec_key("same")]})
        for _ in range(2):
            assert keys.get(site.issuer, "same")["kty"] == "RSA"
            assert keys.get(other.issuer, "same")["kty"] == "EC"
        other.put("/keys", {"keys": [an_ec_key("theirs")]})
        with pytest.raises(NoSuchKey):
            keys.get(site.issuer, "theirs")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issuer": "https://other.example"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"issuer": ["x"]}, "another issuer"),
        ({"jwks_uri": None}, "names no key set"),
        ({"jwks_uri": 7}, "names no key set"),
        ({"jwks_uri": "http://[::1"}, "names no key set"),
        ({"jwks_uri": "https://127.0.0.1:99999/keys"}, "names no key set"),
        ({"jwks_uri": "https://127.0.0.1/a b"}, "names no key set"),
        ({"jwks_uri": "https://evil.example/keys"}, "neither on its own host nor"),
        ({"jwks_uri": "http://127.0.0.1:1/keys"}, "neither on its own host nor"),
        ({"jwks_uri": "http://127.0.0.1.evil.example/keys"}, "neither on its own host nor"),
        ({"jwks_uri": "file:///etc/passwd"}, "neither on its own host nor"),
    ],
)
def test_keys_come_from_the_issuers_own_host_only(
    keys: JwksKeys, site: Site, changes: dict[str, Any], sentence: str
) -> None:
    site.be_issuer("1", **changes)
    with pytest.raises(IssuerDown, match=sentence):
        keys.get(site.issuer, "1")
    assert site.asked == [DISCOVERY]


def test_the_issuer_in_the_document_is_the_registered_one_to_the_last_slash(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1")
    with pytest.raises(IssuerDown, match="another issuer"):
        keys.get(Issuer(url=site.url + "/", kind="github"), "1")
    assert keys.get(site.issuer, "1")


def test_a_user_in_the_address_of_the_keys_is_refused(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1", jwks_uri=site.url.replace("//", "//user:word@") + "/keys")
    with pytest.raises(IssuerDown, match="neither on its own host nor"):
        keys.get(site.issuer, "1")


def test_keys_may_be_on_a_host_that_the_administrator_named(keys: JwksKeys, site: Site) -> None:
    with serving() as elsewhere:
        elsewhere.put("/keys", {"keys": [an_rsa_key("1")]})
        site.be_issuer("1", jwks_uri=f"{elsewhere.url}/keys")
        with pytest.raises(IssuerDown, match="neither on its own host nor"):
            keys.get(site.issuer, "1")
        host = elsewhere.url.removeprefix("http://")
        # Another allow-list is another source, so nothing of the failure is remembered.
        assert keys.get(replace(site.issuer, jwks_hosts=(host,)), "1")
        with pytest.raises(IssuerDown, match="neither on its own host nor"):
            keys.get(replace(site.issuer, jwks_hosts=("127.0.0.1",)), "1")  # without a port it is 443


def test_googles_keys_are_where_google_keeps_them() -> None:
    assert ALLOWED_HOSTS == {"https://accounts.google.com": ("www.googleapis.com",)}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"[" * 100_000, b'{"keys": {}}', b'{"keys": [1, {"kid": ""}, {"kty": "RSA"}]}',
        b'{"keys": null}', b" " * 1_048_577,
    ],
)  # fmt: skip
def test_a_key_set_that_is_none_is_an_issuer_that_is_down(keys: JwksKeys, site: Site, body: bytes) -> None:
    site.be_issuer("1")
    site.put("/keys", body)
    with pytest.raises(IssuerDown):
        keys.get(site.issuer, "1")


def test_a_megabyte_of_keys_is_read_and_a_byte_more_is_not(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    body = site.pages["/keys"][1]  # type: ignore[index]
    site.put("/keys", body.ljust(1_048_576))
    assert keys.get(site.issuer, "1")
    site.put("/keys", body.ljust(1_048_577))
    clock.now += USABLE_SECONDS
    with pytest.raises(IssuerDown, match="more than 1048576 bytes"):
        keys.get(site.issuer, "1")


def test_a_long_discovery_document_is_not_read(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1", padding="x" * 102_400)
    with pytest.raises(IssuerDown, match="more than 102400 bytes"):
        keys.get(site.issuer, "1")


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
def test_redirects_are_not_followed(keys: JwksKeys, site: Site, path: str) -> None:
    site.be_issuer("1")
    site.put(path, {}, 302, Location=f"{site.url}/elsewhere")
    with pytest.raises(IssuerDown, match="redirect"):
        keys.get(site.issuer, "1")
    assert "/elsewhere" not in site.asked


def test_two_keys_of_one_id_are_none(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1", "1", "2")
    with pytest.raises(NoSuchKey, match="shares its id"):
        keys.get(site.issuer, "1")
    assert keys.get(site.issuer, "2")
    with pytest.raises(NoSuchKey, match="shares its id"):
        keys.get(a_static(an_rsa_key("1"), an_ec_key("1")), "1")


def test_nobody_there_is_an_issuer_that_is_down(keys: JwksKeys) -> None:
    with pytest.raises(IssuerDown):
        keys.get(Issuer(url="http://127.0.0.1:1", kind="github"), "1")


UNFIT = [
    (an_rsa_key(bits=2047), "fewer than 2048 bits"),
    (an_rsa_key(bits=1024), "fewer than 2048 bits"),
    (an_rsa_key(bits=8193), "more than 8192 bits"),
    (an_rsa_key(exponent=1), "exponent"),
    (an_rsa_key(exponent=4), "malformed"),
    (an_rsa_key(exponent=1 << 64), "exponent"),
    (an_rsa_key(n="?"), "malformed"),
    (an_rsa_key(n=None), "malformed"),
    (an_rsa_key(e=""), "malformed"),
    (an_rsa_key(n="A"), "malformed"),
    (an_rsa_key(use="enc"), "not for signatures"),
    (an_rsa_key(key_ops=["encrypt"]), "not for signatures"),
    (an_rsa_key(key_ops="verify"), "not for signatures"),
    (an_rsa_key(alg="RS512"), "another algorithm than RS256"),
    (an_rsa_key(alg="HS256"), "another algorithm than RS256"),
    (an_rsa_key(d="AQAB"), "private part"),
    (an_rsa_key(kty="oct", k="AAAA"), "neither of kind"),
    (an_rsa_key(kty=["RSA"]), "neither of kind"),
    (an_ec_key(crv="P-384"), "not on the curve P-256"),
    (an_ec_key(alg="ES384"), "another algorithm than ES256"),
    (an_ec_key(x=number(1, 32)), "malformed"),
    (an_ec_key(y=None), "malformed"),
]


@pytest.mark.parametrize(("key", "sentence"), UNFIT)
def test_unfit_keys_are_tolerated_and_never_used(
    keys: JwksKeys, site: Site, key: dict[str, Any], sentence: str
) -> None:
    site.be_issuer()
    site.put("/keys", {"keys": [key, "no key", an_rsa_key("good"), an_rsa_key(None), an_rsa_key(kid=None, k=7)]})
    assert keys.get(site.issuer, "good")
    with pytest.raises(NoSuchKey, match=sentence):
        keys.get(site.issuer, "1")
    with pytest.raises(NoSuchKey, match=sentence):
        keys.get(a_static(key), "1")


def test_rsa_keys_as_jenkins_writes_them_and_ec_keys_of_kubernetes_are_used(keys: JwksKeys, site: Site) -> None:
    modulus = an_rsa_key()["n"]
    led = number(int.from_bytes(_octets(modulus)), len(_octets(modulus)) + 1)
    site.be_issuer()
    site.put("/keys", {"keys": [an_rsa_key("jenkins", n=led, use="sig", key_ops=["verify"]), an_ec_key("k8s")]})
    assert keys.get(site.issuer, "jenkins")["n"] == led
    assert keys.get(site.issuer, "k8s")["crv"] == "P-256"


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_keys_of_an_issuer_with_other_certificates_hosts_or_reach_are_fetched_anew(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1")
    for fetches, issuer in (
        (1, site.issuer),
        (1, replace(site.issuer, terms=Terms(max_age=60))),
        (2, replace(site.issuer, jwks_hosts=("keys.example",))),
        (3, replace(site.issuer, private=True)),
    ):
        keys.get(issuer, "1")
        assert site.fetches == fetches


def test_forgotten_keys_are_fetched_anew_and_one_that_was_withdrawn_is_refused(
    keys: JwksKeys, site: Site, store: SqlStore, clock: SetClock
) -> None:
    with store.write() as writing:
        writing.put_issuer(site.issuer)

    def known() -> Issuer:
        with store.read() as reading:
            found = reading.issuer(site.url)
            assert found is not None
            assert found in reading.issuers()
            return found

    site.be_issuer("leaked", "other")
    before = known()
    assert keys.get(before, "leaked")
    site.be_issuer("other")
    assert keys.get(known(), "leaked")
    # As an administrator does, in another process, with no time to wait for.
    Issuers(store, clock, rehearsal=True).forget_keys(site.url)
    assert known().keys_epoch == 1
    with pytest.raises(NoSuchKey):
        keys.get(known(), "leaked")
    assert site.fetches == 2
    # A request that read the issuer before brings the key back for nobody.
    with pytest.raises(NoSuchKey):
        keys.get(before, "leaked")
    assert keys.get(known(), "other")
    assert site.fetches == 2
    site.pages.clear()
    Issuers(store, clock, rehearsal=True).forget_keys(site.url)
    with pytest.raises(IssuerDown):
        keys.get(known(), "other")
    with store.read() as reading:
        assert reading.fact(FORGET_KEYS + site.url) == "2"


KEYS_CASES: list[tuple[str, Any, Any, str, int]] = [
    # What PyPI does (432 cases, those called keys-*), and what happens here.
    ("001-002", {"issuer": "https://other.example", "jwks_uri": "http://elsewhere.example/jwks"}, None, "down", 1),
    ("005-006", 500, None, "down", 1),
    ("007", b"no JSON", None, "down", 1),
    ("008", {"jwks_uri": None}, None, "down", 1),
    ("009", {}, 500, "down", 2),
    ("010", {}, b"no JSON", "down", 2),
    ("011", {}, {"keys": []}, "down", 2),
    ("012", {}, {"keys": [an_rsa_key(None)]}, "down", 2),
    ("013", {}, {"keys": [{"kty": "future", "kid": "f"}, an_rsa_key("1")]}, "accept", 2),
    ("014", {}, {"keys": [{"kty": "RSA", "kid": "1", "n": "!", "e": "AQAB"}]}, "refuse", 2),
]


@pytest.mark.parametrize(("case", "discovery", "jwks", "expected", "asked"), KEYS_CASES)
def test_fetches_go_as_in_the_cases_of_pypi_or_stricter(
    keys: JwksKeys, site: Site, case: str, discovery: Any, jwks: Any, expected: str, asked: int
) -> None:
    site.be_issuer("1", **(discovery if isinstance(discovery, dict) else {}))
    for path, answer in ((DISCOVERY, discovery), ("/keys", jwks)):
        if isinstance(answer, int):
            site.put(path, {}, answer)
        elif isinstance(answer, bytes) or (path == "/keys" and answer is not None):
            site.put(path, answer)
    for _ in range(2):  # and the second time nobody is asked: the cool-down holds after a failure as well
        if expected == "accept":
            assert keys.get(site.issuer, "1")
        else:
            with pytest.raises(IssuerDown if expected == "down" else NoSuchKey):
                keys.get(site.issuer, "1")
        assert len(site.asked) == asked


def test_keys_015_and_016_a_withdrawn_key_holds_an_hour_and_a_new_one_waits_a_minute(
    keys: JwksKeys, site: Site, clock: SetClock
) -> None:
    site.be_issuer("k1")
    keys.get(site.issuer, "k1")
    site.be_issuer("k2")
    assert keys.get(site.issuer, "k1")
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "k2")
    clock.now += COOLDOWN_SECONDS
    assert keys.get(site.issuer, "k2")
    # Unlike at PyPI, where it would go on for ever.
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "k1")
