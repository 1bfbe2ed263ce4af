# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where the index lets itself be sent for keys: SSRF, as security checklists call what must not work."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from trustpub.addresses import is_local_name, is_loopback, is_own, objection
from trustpub.index.adapters.jwks import JwksKeys
from trustpub.index.adapters.tls import DevTls, make
from trustpub.index.kept import Issuer
from trustpub.index.ports import IssuerDown

from .conftest import SetClock
from .issuer_site import Site, serving


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> DevTls:
    return make(tmp_path_factory.mktemp("tls"), ["ci.example"], time.time())


@pytest.fixture
def site(tls: DevTls) -> Iterator[Site]:
    with serving(tls) as one:
        yield one


@pytest.fixture
def keys(clock: SetClock) -> JwksKeys:
    """Of an index that is no rehearsal."""
    return JwksKeys(env={}, clock=clock)


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Names of ``.example`` resolve to what is said here, one answer after the other; nothing else is touched."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def teach(*answers: list[str]) -> list[str]:
        left = list(answers)

        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            name = host.decode("ascii") if isinstance(host, bytes) else str(host)
            if not name.endswith(".example"):
                return real(host, port, *args, **kwargs)
            asked.append(name)
            found = left.pop(0) if len(left) > 1 else left[0]
            return [one for address in found for one in real(address, port, *args, **kwargs)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return teach


def at(site: Site, host: str) -> Issuer:
    """The site as an issuer at this host, with its own authority."""
    url = f"https://{host}:{urlsplit(site.url).port}"
    site.url = url
    return Issuer(url=url, kind="generic")


def test_a_private_authority_is_believed_for_its_issuer_alone(site: Site, tls: DevTls, keys: JwksKeys) -> None:
    issuer = replace(at(site, "localhost"), private=True)
    site.be_issuer("1")
    with pytest.raises(IssuerDown, match="is not trusted"):
        keys.get(issuer, "1")
    assert keys.get(replace(issuer, ca=tls.ca.read_text()), "1")


def test_an_issuer_on_this_machine_is_not_asked_unless_private_hosts_are_allowed(
    site: Site, tls: DevTls, keys: JwksKeys
) -> None:
    issuer = replace(at(site, "localhost"), ca=tls.ca.read_text())
    site.be_issuer("1")
    with pytest.raises(IssuerDown, match="is this machine"):
        keys.get(issuer, "1")
    assert site.asked == []
    assert keys.get(replace(issuer, private=True), "1")


def test_the_address_that_is_judged_is_the_one_connected_to_and_the_name_stays(
    site: Site, tls: DevTls, keys: JwksKeys, resolve: Callable[..., list[str]]
) -> None:
    asked = resolve(["127.0.0.1"])
    issuer = replace(at(site, "ci.example"), ca=tls.ca.read_text(), private=True)
    site.be_issuer("1")
    assert keys.get(issuer, "1")  # the certificate was checked against ci.example
    assert site.hosts == [urlsplit(issuer.url).netloc] * 2
    assert asked == ["ci.example"] * 2  # once for each connection, never to look and once more to connect


def test_a_certificate_for_another_name_does_not_do_although_the_address_is_right(
    site: Site, tls: DevTls, keys: JwksKeys, resolve: Callable[..., list[str]]
) -> None:
    resolve(["127.0.0.1"])
    issuer = replace(at(site, "other.example"), ca=tls.ca.read_text(), private=True)
    site.be_issuer("1")
    with pytest.raises(IssuerDown, match="is not trusted"):
        keys.get(issuer, "1")
    assert site.asked == []


def test_a_name_that_resolves_elsewhere_the_second_time_gains_nothing(
    site: Site, tls: DevTls, keys: JwksKeys, resolve: Callable[..., list[str]]
) -> None:
    asked = resolve(["127.0.0.1"], ["169.254.169.254"])
    issuer = replace(at(site, "ci.example"), ca=tls.ca.read_text(), private=True)
    site.be_issuer("1")
    with pytest.raises(IssuerDown, match="169.254.169.254 is where a cloud hands out its credentials"):
        keys.get(issuer, "1")
    assert asked == ["ci.example"] * 2
    assert len(site.asked) == 1


def test_addresses_that_may_not_be_are_passed_over(
    site: Site, tls: DevTls, keys: JwksKeys, resolve: Callable[..., list[str]]
) -> None:
    resolve(["169.254.169.254", "fe80::1", "127.0.0.1"])
    issuer = replace(at(site, "ci.example"), ca=tls.ca.read_text(), private=True)
    site.be_issuer("1")
    assert keys.get(issuer, "1")


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:127.0.0.1", "100.64.0.1"])
def test_a_public_name_with_a_private_address_is_not_asked(
    site: Site, keys: JwksKeys, resolve: Callable[..., list[str]], address: str
) -> None:
    resolve([address])
    with pytest.raises(IssuerDown, match="is not asked: its address"):
        keys.get(at(site, "ci.example"), "1")
    assert site.asked == []


def test_a_rehearsal_asks_this_machine_and_hosts_under_test(site: Site, tls: DevTls, clock: SetClock) -> None:
    keys = JwksKeys(env={}, clock=clock, rehearsal=True)
    issuer = replace(at(site, "localhost"), ca=tls.ca.read_text())
    site.be_issuer("1")
    assert keys.get(issuer, "1")


def test_a_rehearsal_asks_nobody_else_on_private_addresses(
    site: Site, clock: SetClock, resolve: Callable[..., list[str]]
) -> None:
    resolve(["127.0.0.1"])
    with pytest.raises(IssuerDown, match="is this machine"):
        JwksKeys(env={}, clock=clock, rehearsal=True).get(at(site, "ci.example"), "1")


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("10.0.0.1", "is a private address"),
        ("169.254.169.254", "hands out its credentials"),
        ("ci.internal", "is a name of a private network"),
        ("jenkins", "is a name of a private network"),
        ("[fd00::1]", "is a private address"),
    ],
)
def test_behind_a_proxy_names_and_spelled_addresses_are_judged(clock: SetClock, host: str, sentence: str) -> None:
    keys = JwksKeys(env={"HTTPS_PROXY": "http://127.0.0.1:1"}, clock=clock)
    with pytest.raises(IssuerDown, match=sentence):
        keys.get(Issuer(url=f"https://{host}", kind="generic"), "1")


def test_behind_a_proxy_the_proxy_resolves_public_names(clock: SetClock) -> None:
    """And connects to them; what it finds is out of the index's sight. Here nobody is at the proxy's address."""
    keys = JwksKeys(env={"HTTPS_PROXY": "http://127.0.0.1:1"}, clock=clock)
    with pytest.raises(IssuerDown, match="through the proxy"):
        keys.get(Issuer(url="https://ci.example", kind="generic"), "1")


def test_outside_a_rehearsal_keys_come_over_https_only(clock: SetClock) -> None:
    with serving() as plain:
        plain.be_issuer("1")
        with pytest.raises(IssuerDown, match="is this machine"):
            JwksKeys(env={}, clock=clock).get(plain.issuer, "1")
        assert plain.asked == []
        with pytest.raises(IssuerDown, match="over https"):
            JwksKeys(env={}, clock=clock).get(replace(plain.issuer, private=True), "1")


def test_no_file_is_left_or_needed_for_certificates(
    site: Site, tls: DevTls, keys: JwksKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    issuer = replace(at(site, "localhost"), ca=tls.ca.read_text(), private=True)
    site.be_issuer("1")
    assert keys.get(issuer, "1")


# What is at an address: without leave, with `private`, and why not.
RANGES = [
    ("8.8.8.8", True, True),
    ("140.82.112.3", True, True),
    ("2606:50c0:8000::153", True, True),
    ("::ffff:8.8.8.8", True, True),
    ("64:ff9b::808:808", True, True),
    ("127.0.0.1", False, True),
    ("127.255.255.255", False, True),
    ("::1", False, True),
    ("::ffff:127.0.0.1", False, True),
    ("64:ff9b::7f00:1", False, True),
    ("10.0.0.0", False, True),
    ("10.255.255.255", False, True),
    ("172.15.255.255", True, True),
    ("172.16.0.0", False, True),
    ("172.31.255.255", False, True),
    ("172.32.0.0", True, True),
    ("192.167.255.255", True, True),
    ("192.168.0.1", False, True),
    ("::ffff:192.168.0.1", False, True),
    ("64:ff9b::c0a8:1", False, True),
    ("fc00::1", False, True),
    ("fdff::1", False, True),
    ("100.63.255.255", True, True),
    ("100.64.0.0", False, True),
    ("100.127.255.255", False, True),
    ("100.128.0.0", True, True),
    ("169.254.0.1", False, False),
    ("169.254.169.254", False, False),
    ("::ffff:169.254.169.254", False, False),
    ("64:ff9b::a9fe:a9fe", False, False),
    ("169.254.170.2", False, False),
    ("100.100.100.200", False, False),
    ("168.63.129.16", False, False),
    ("192.0.0.192", False, False),
    ("fd00:ec2::254", False, False),
    ("fd20:ce::254", False, False),
    ("fe80::1", False, False),
    ("fe80::1%eth0", False, False),
    ("0.0.0.0", False, False),
    ("0.1.2.3", False, False),
    ("::", False, False),
    ("224.0.0.1", False, False),
    ("239.255.255.255", False, False),
    ("ff02::1", False, False),
    ("240.0.0.1", False, False),
    ("255.255.255.255", False, False),
    ("192.0.0.8", False, False),
    ("192.0.2.1", False, False),
    ("192.88.99.1", False, False),
    ("198.18.0.1", False, False),
    ("198.19.255.255", False, False),
    ("198.51.100.1", False, False),
    ("203.0.113.1", False, False),
    ("2001:db8::1", False, False),
    ("2001::1", False, False),
    ("2002:7f00:1::", False, False),
    ("3fff::1", False, False),
    ("64:ff9b:1::1", False, False),
    ("::7f00:1", False, False),
    ("100::1", False, False),
    ("5f00::1", False, False),
    ("fec0::1", False, False),
    ("localhost", False, False),
    ("127.1", False, False),
    ("", False, False),
]


@pytest.mark.parametrize(("address", "public", "private"), RANGES)
def test_ranges_of_addresses(address: str, public: bool, private: bool) -> None:
    assert (objection(address, private=False) is None) == public
    assert (objection(address, private=True) is None) == private


@pytest.mark.parametrize("host", ["localhost.", "A.LOCALHOST", "[::1]", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_this_machine_in_other_spellings(host: str) -> None:
    assert is_loopback(host)
    assert is_own(host)


@pytest.mark.parametrize("host", ["test", "ci.test", "CI.TEST.", "0.0.0.0", "::"])
def test_what_only_a_rehearsal_believes(host: str) -> None:
    assert is_own(host)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["contest", "ci.test.example", "10.0.0.1", "example.org", ""])
def test_what_others_may_own(host: str) -> None:
    assert not is_own(host)


@pytest.mark.parametrize(
    "host", ["jenkins", "ci.local", "CI.Internal.", "a.corp", "a.lan", "a.home.arpa", "a.intranet"]
)
def test_names_of_one_network(host: str) -> None:
    assert is_local_name(host)


@pytest.mark.parametrize("host", ["ci.example.org", "local.example", "10.0.0.1", "[fd00::1]", "notlocal.org"])
def test_names_and_addresses_of_all_networks(host: str) -> None:
    assert not is_local_name(host)
