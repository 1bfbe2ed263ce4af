# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from trustpub.addresses import is_loopback
from trustpub.errors import Misuse, Unreachable
from trustpub.http import Http


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def http(naps: list[float]) -> Any:
    with Http(env={}, sleep=naps.append) as one:
        yield one


def test_https_is_verified_against_the_given_roots(index: Any, certificates: Path) -> None:
    for options in (
        {"env": {}, "ca": str(certificates / "ca.pem")},
        {"env": {"SSL_CERT_FILE": str(certificates / "ca.pem")}},
        {"env": {"REQUESTS_CA_BUNDLE": str(certificates / "ca.pem")}},
    ):
        with Http(**options) as http:
            assert http.request("GET", f"{index.url}/_/oidc/audience").status == 200


def test_an_untrusted_certificate_is_told_with_the_roots_that_were_used(index: Any) -> None:
    with Http(env={}) as http, pytest.raises(Unreachable) as caught:
        http.request("GET", f"{index.url}/x?secret=1")
    assert f"localhost:{index.port} is not trusted" in caught.value.message
    assert "the system's" in caught.value.message
    assert "secret" not in str(caught.value)
    assert all(name in str(caught.value.hint) for name in ("--ca", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))


def test_tls_to_a_server_without_it_is_told(plain: Any, http: Http) -> None:
    with pytest.raises(Unreachable, match="No TLS connection to localhost"):
        http.request("GET", plain.url.replace("http:", "https:"))


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_roots_that_cannot_be_read_are_misuse(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "roots.pem"
    if content:
        path.write_text(content)
    with pytest.raises(Misuse, match="SSL_CERT_FILE"), Http(env={"SSL_CERT_FILE": str(path)}) as http:
        http.request("GET", "https://localhost:1/")


@pytest.mark.parametrize(
    "url",
    [
        "http://index.example/",
        "http://127.0.0.1.example/",
        "ftp://localhost/",
        "https://",
        "https://u:topsecret@localhost/",
        "https://localhost:99999/",
    ],
)
def test_what_may_not_be_asked_is_misuse_before_any_connection(http: Http, url: str) -> None:
    with pytest.raises(Misuse) as caught:
        http.request("GET", url)
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "localhost.example.org", "127.0.0.1.nip.io", ""])
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(plain: Any, http: Http, make: Any, status: int) -> None:
    plain.answer(
        "/here", make.Answer(status=status, headers={"Location": "https://elsewhere.example/there?token=pypi-x"})
    )
    with pytest.raises(Unreachable, match="redirect") as caught:
        http.request("POST", f"{plain.url}/here", body=b"{}")
    assert "https://elsewhere.example/there" in caught.value.message
    assert "pypi-x" not in str(caught.value)
    assert len(plain.asked) == 1


def test_an_answer_has_a_size_it_may_not_exceed(plain: Any, http: Http, make: Any) -> None:
    plain.answer("/", make.Answer(body=b"x" * 1001))
    with pytest.raises(Unreachable, match="more than 1000 bytes"):
        http.request("GET", f"{plain.url}/", max_bytes=1000)
    assert len(http.request("GET", f"{plain.url}/", max_bytes=1001).body) == 1001


def test_a_connection_refused_names_host_and_port_only(http: Http) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        http.request("GET", f"http://127.0.0.1:{port}/path?token=pypi-x")
    assert caught.value.message == f"127.0.0.1:{port} cannot be reached: connection refused."


def test_a_name_that_does_not_resolve_is_told(http: Http) -> None:
    with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be reached: its name does not resolve"):
        http.request("GET", "https://nowhere.invalid/")


def test_silence_is_told(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(Unreachable, match="does not answer in time"):
        http.request("GET", f"http://127.0.0.1:{deaf.getsockname()[1]}/", read_seconds=0.1)


def test_a_busy_server_is_asked_again_and_its_wish_is_honoured(
    plain: Any, http: Http, make: Any, naps: list[float]
) -> None:
    busy = make.Answer(status=429, headers={"Retry-After": "7"})
    forever = make.Answer(status=503, headers={"Retry-After": "86400"})
    plain.answer("/", busy, forever, make.Answer(status=None), make.Answer(body=b"at last"))
    assert http.request("GET", f"{plain.url}/", attempts=4).body == b"at last"
    assert naps == [7, 30, 4]


def test_nobody_is_asked_again_unless_the_caller_says_so(plain: Any, http: Http, make: Any, naps: list[float]) -> None:
    plain.answer("/", make.Answer(status=503))
    assert http.request("GET", f"{plain.url}/").status == 503
    assert (len(plain.asked), naps) == (1, [])


def test_the_last_answer_is_returned_and_the_last_failure_raised(plain: Any, http: Http, make: Any) -> None:
    plain.answer("/busy", make.Answer(status=503))
    plain.answer("/gone", make.Answer(status=None))
    assert http.request("GET", f"{plain.url}/busy", attempts=3).status == 503
    with pytest.raises(Unreachable, match="broke off"):
        http.request("GET", f"{plain.url}/gone", attempts=3)
    assert plain.paths() == ["/busy"] * 3 + ["/gone"] * 3


def test_one_connection_serves_many_requests(plain: Any, http: Http, make: Any) -> None:
    plain.answer("/", make.Answer(body=b"x"))
    for _ in range(3):
        http.request("POST", f"{plain.url}/", body=b"y")
    assert len({one.peer for one in plain.asked}) == 1


def test_a_proxy_is_used_for_other_hosts_and_never_for_this_machine(plain: Any, make: Any) -> None:
    plain.answer("/", make.Answer(body=b"direct"))
    with Http(env={"HTTPS_PROXY": "http://user:topsecret@127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}) as http:
        assert http.request("GET", f"{plain.url}/").body == b"direct"
        with pytest.raises(
            Unreachable, match=r"index\.example cannot be reached through the proxy 127\.0\.0\.1"
        ) as one:
            http.request("GET", "https://index.example/")
    assert "topsecret" not in str(one.value)


def test_no_proxy_exempts_hosts_and_domains() -> None:
    env = {"https_proxy": "http://127.0.0.1:1", "no_proxy": "other.example,.invalid"}
    with Http(env=env) as http, pytest.raises(Unreachable, match="does not resolve"):
        http.request("GET", "https://nowhere.invalid/")
