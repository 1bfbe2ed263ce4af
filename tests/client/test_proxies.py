# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Through a real CONNECT proxy, with a password and with one that opens what passes through it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Misuse, Unreachable
from trustpub.http import Http
from trustpub.index.adapters.jwks import JwksKeys
from trustpub.index.adapters.tls import DevTls
from trustpub.index.kept import Issuer
from trustpub.index.ports import IssuerDown
from trustpub.proxies import exempt
from trustpub.roots import choose

from .proxied import Proxy, authority, running, serving

PASSWORD = "p@ss:w%rd/1"
ENCODED = "p%40ss%3Aw%25rd%2F1"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> DevTls:
    """The authority of the hosts themselves."""
    return authority(tmp_path_factory.mktemp("own"), "index.test", "ci.test")


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> DevTls:
    """The authority of a company that looks into what passes."""
    return authority(tmp_path_factory.mktemp("opening"))


@pytest.fixture
def far(own: DevTls, make: Any) -> Iterator[Any]:
    """An index that only the proxy can reach."""
    server = make.Emulated(serving(own))
    server.url = f"https://index.test:{server.port}"
    server.answer("/_/oidc/audience", make.Answer(body={"audience": "test_index"}))
    server.answer("/_/oidc/mint-token", make.Answer(body={"success": True, "token": make.TOKEN, "expires": 1790000000}))
    server.answer("/_/oidc/burn-token", make.Answer(status=202, body={"message": "Accepted"}))
    server.answer("/legacy/", make.Answer(body=b"OK"))
    yield server
    server.close()


def through(proxy: Proxy, user: str = "") -> dict[str, str]:
    return {"HTTPS_PROXY": proxy.url.replace("://", f"://{user}")}


def test_mint_goes_through_a_proxy_that_wants_a_password(run: Any, far: Any, own: DevTls, make: Any) -> None:
    with running(Proxy(credentials=f"jo:{PASSWORD}")) as proxy:
        ran = run("mint", "--print", "--index", far.url, SSL_CERT_FILE=str(own.ca), **through(proxy, f"jo:{ENCODED}@"))
    assert ran.code == 0, ran.err
    assert ran.out.strip() == make.TOKEN
    assert set(proxy.asked) == {f"index.test:{far.port}"}  # the runner, on this machine, was asked without it
    assert far.paths()[-2:] == ["/_/oidc/audience", "/_/oidc/mint-token"]
    assert make.TOKEN.encode() not in proxy.passed
    assert b"eyJ" not in proxy.passed


def test_publish_goes_through_a_proxy(run: Any, far: Any, own: DevTls, dist: Path) -> None:
    with running(Proxy(credentials=f"jo:{PASSWORD}")) as proxy:
        ran = run("publish", "--index", far.url, SSL_CERT_FILE=str(own.ca), **through(proxy, f"jo:{ENCODED}@"))
    assert ran.code == 0, ran.err
    assert far.paths().count("/legacy/") == 2
    assert far.paths()[-1] == "/_/oidc/burn-token"


@pytest.mark.parametrize(
    ("user", "sentences"),
    [
        ("", ("it wants a name and a password (407)", "Give them in HTTPS_PROXY", "NAME:PASSWORD@")),
        ("jo:wr0ng-pw@", ("does not take the name and the password given (407)", "Look at the name")),
    ],
)
def test_a_proxy_that_lets_nobody_in_is_told_without_the_password(
    run: Any, far: Any, own: DevTls, user: str, sentences: tuple[str, ...]
) -> None:
    with running(Proxy(credentials=f"jo:{PASSWORD}")) as proxy:
        ran = run("mint", "--print", "--index", far.url, SSL_CERT_FILE=str(own.ca), **through(proxy, user))
    assert ran.code == 4
    assert all(one in ran.err for one in (f"through the proxy 127.0.0.1:{proxy.port}", *sentences)), ran.err
    assert "wr0ng-pw" not in ran.out + ran.err
    assert (far.asked, ran.out) == ([], "")


def test_what_a_proxy_refuses_is_final_and_what_it_cannot_is_tried_again(own: DevTls, far: Any) -> None:
    naps: list[float] = []
    with running(Proxy(refuses=403)) as no, running(Proxy(refuses=503)) as busy:
        for proxy, tries in ((no, 1), (busy, 3)):
            with (
                Http(env=through(proxy), ca=str(own.ca), sleep=naps.append) as http,
                pytest.raises(Unreachable, match=rf"it makes no connection to it \({proxy.refuses}\)") as caught,
            ):
                http.request("GET", far.url, attempts=3)
            assert "NO_PROXY" in str(caught.value.hint)
            assert len(proxy.asked) == tries


def test_a_tunnel_is_kept_for_the_next_request(own: DevTls, far: Any) -> None:
    with running(Proxy()) as proxy, Http(env=through(proxy), ca=str(own.ca)) as http:
        for _ in range(3):
            assert http.request("GET", f"{far.url}/_/oidc/audience").status == 200
    assert proxy.asked == [f"index.test:{far.port}"]


def test_a_proxy_may_be_spoken_to_over_tls(own: DevTls, far: Any) -> None:
    """Then there is TLS inside of TLS, and a large body goes through both."""
    with (
        running(Proxy(tls=own, credentials="jo:pw")) as proxy,
        Http(env=through(proxy, "jo:pw@"), ca=str(own.ca)) as http,
    ):
        for size in (0, 10, 700_000):
            assert http.request("POST", f"{far.url}/legacy/", body=b"x" * size).body == b"OK"
        assert b"jo:pw" not in proxy.passed
    assert [len(one.body) for one in far.asked] == [0, 10, 700_000]
    assert proxy.asked == [f"index.test:{far.port}"]


def test_a_proxys_own_certificate_is_checked(own: DevTls, opening: DevTls, far: Any) -> None:
    with (
        running(Proxy(tls=opening)) as proxy,
        Http(env=through(proxy), ca=str(own.ca)) as http,
        pytest.raises(Unreachable, match="the proxy's own certificate is not trusted"),
    ):
        http.request("GET", far.url)
    assert proxy.asked == []


def test_a_proxy_that_opens_connections_is_told_with_the_roots_that_were_used(
    run: Any, far: Any, own: DevTls, opening: DevTls
) -> None:
    with running(Proxy(opens=opening.ca.parent, believes=own.ca)) as proxy:
        ran = run("mint", "--print", "--index", far.url, SSL_CERT_FILE=str(own.ca), **through(proxy))
    assert ran.code == 4
    for told in (
        f"The certificate of index.test:{far.port} is not trusted",
        f"The roots used are {own.ca} (from SSL_CERT_FILE)",
        f"If the proxy 127.0.0.1:{proxy.port} opens the connections",
        "--ca",
        "REQUESTS_CA_BUNDLE",
    ):
        assert told in " ".join(ran.err.split()), ran.err
    assert far.asked == []


@pytest.mark.parametrize("source", ["SSL_CERT_FILE", "SSL_CERT_DIR", "hashed", "REQUESTS_CA_BUNDLE", "--ca"])
def test_a_proxy_that_opens_connections_is_believed_where_its_authority_is_named(
    run: Any, far: Any, own: DevTls, opening: DevTls, make: Any, tmp_path: Path, source: str
) -> None:
    folder = tmp_path / "roots"
    folder.mkdir()
    shutil.copy(opening.ca, folder / "company.pem")
    if source == "hashed":
        if shutil.which("openssl") is None:
            pytest.skip("there is no openssl, so a folder with hashed names was NOT TESTED")
        asked = ["openssl", "x509", "-noout", "-hash", "-in", str(opening.ca)]
        name = subprocess.run(asked, capture_output=True, check=True, encoding="ascii").stdout.strip()
        (folder / "company.pem").rename(folder / f"{name}.0")
    env = {
        "SSL_CERT_FILE": {"SSL_CERT_FILE": str(opening.ca)},
        "SSL_CERT_DIR": {"SSL_CERT_DIR": f"{tmp_path}/absent:{folder}"},
        "hashed": {"SSL_CERT_DIR": str(folder)},
        "REQUESTS_CA_BUNDLE": {"REQUESTS_CA_BUNDLE": str(opening.ca)},
        "--ca": {"SSL_CERT_FILE": str(own.ca)},
    }[source]
    options = ["--ca", str(opening.ca)] if source == "--ca" else []
    with running(Proxy(opens=opening.ca.parent, believes=own.ca)) as proxy:
        more = {"SSL_CERT_FILE": None, **env, **through(proxy)}
        ran = run("mint", "--print", "--index", far.url, *options, **more)
    assert ran.code == 0, ran.err
    assert ran.out.strip() == make.TOKEN
    assert make.TOKEN.encode() not in proxy.passed  # it goes the other way; but the identity token it could read
    assert b"eyJ" in proxy.passed


def test_keys_of_an_issuer_come_through_a_proxy(own: DevTls, make: Any) -> None:
    site = make.Emulated(serving(own))
    url = f"https://ci.test:{site.port}"
    key = {
        "kty": "EC", "kid": "1", "crv": "P-256", "use": "sig", "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }  # fmt: skip
    site.answer("/.well-known/openid-configuration", make.Answer(body={"issuer": url, "jwks_uri": f"{url}/keys"}))
    site.answer("/keys", make.Answer(body={"keys": [key]}))
    issuer = Issuer(url=url, kind="generic", ca=own.ca.read_text())
    try:
        with running(Proxy(credentials="jo:pw")) as proxy:
            keys = JwksKeys(env=through(proxy, "jo:pw@"), clock=lambda: 1790000000.0)
            assert keys.get(issuer, "1")["x"] == key["x"]
            assert proxy.asked == [f"ci.test:{site.port}"] * 2
        with running(Proxy(credentials="jo:pw")) as proxy:
            keys = JwksKeys(env=through(proxy, "jo:0ther@"), clock=lambda: 1790000000.0)
            with pytest.raises(IssuerDown, match="407") as caught:
                keys.get(issuer, "1")
            assert "0ther" not in str(caught.value)
    finally:
        site.close()


def test_keys_come_through_a_proxy_that_opens_connections_where_the_index_believes_it(
    own: DevTls, opening: DevTls, make: Any
) -> None:
    """The certificates that an issuer was registered with go before the index's environment, the proxy's too."""
    site = make.Emulated(serving(own))
    url = f"https://ci.test:{site.port}"
    site.answer("/.well-known/openid-configuration", make.Answer(body={"issuer": url, "jwks_uri": f"{url}/keys"}))
    site.answer("/keys", make.Answer(body={"keys": [{"kty": "oct", "kid": "1"}]}))
    try:
        with running(Proxy(opens=opening.ca.parent, believes=own.ca)) as proxy:
            env = {**through(proxy), "SSL_CERT_FILE": str(opening.ca)}
            keys = JwksKeys(env=env, clock=lambda: 1790000000.0)
            with pytest.raises(IssuerDown, match=r"is not trusted.*those given for this host"):
                keys.get(Issuer(url=url, kind="generic", ca=own.ca.read_text()), "1")
            assert site.asked == []
            with pytest.raises(Exception, match="the key"):  # it is no public key, but it came
                JwksKeys(env=env, clock=lambda: 1790000000.0).get(Issuer(url=url, kind="generic"), "1")
            assert site.paths() == ["/.well-known/openid-configuration", "/keys"]
    finally:
        site.close()


def test_a_host_that_no_proxy_names_is_asked_without_one(own: DevTls, far: Any) -> None:
    with running(Proxy()) as proxy:
        for no_proxy in ("index.test", ".test", "*.test", f"index.test:{far.port}", "other.example, *"):
            env = {**through(proxy), "NO_PROXY": no_proxy}
            with Http(env=env, ca=str(own.ca)) as http, pytest.raises(Unreachable, match="does not resolve"):
                http.request("GET", far.url)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("host", "no_proxy", "without"),
    [
        ("index.example", "", False),
        ("index.example", "example", True),
        ("index.example", "Index.Example", True),
        ("index.example.", "index.example", True),
        ("notexample", "example", False),
        ("index.example", "index.example:8443", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.2.0.0/16", False),
        ("index.example", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3/", False),
        ("fd00::1", "[fd00::1]", True),
        ("fd00::1", "fd00::/8", True),
        ("index.example", " , ,", False),
    ],
)
def test_what_no_proxy_names(host: str, no_proxy: str, without: bool) -> None:
    assert exempt(host, 443, no_proxy) is without


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1", "http://", "http://127.0.0.1:99999", "http://[", "ftp://x"])
def test_what_is_no_proxy_is_misuse_and_names_the_variable(url: str) -> None:
    with Http(env={"all_proxy": url}) as http, pytest.raises(Misuse, match="all_proxy"):
        http.request("GET", "https://index.test/")


def test_the_roots_that_are_named_and_in_which_order(tmp_path: Path) -> None:
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_text("")
    folder = str(tmp_path)
    env = {"SSL_CERT_FILE": f"{folder}/a.pem", "SSL_CERT_DIR": folder, "REQUESTS_CA_BUNDLE": f"{folder}/b.pem"}
    both = choose(None, env)
    assert (both.files, both.folders) == ((f"{folder}/a.pem",), (folder,))
    assert both.told == f"{folder}/a.pem (from SSL_CERT_FILE) and {folder} (from SSL_CERT_DIR)"
    assert choose(f"{folder}/b.pem", env).told == f"{folder}/b.pem (from --ca)"
    assert choose(None, {"REQUESTS_CA_BUNDLE": folder}).folders == (folder,)
    assert choose(None, {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}).told == "the system's"
    with pytest.raises(Misuse, match="SSL_CERT_DIR names /nowhere, which does not exist"):
        choose(None, {"SSL_CERT_DIR": "/nowhere"})
    with pytest.raises(Misuse, match="No certificates"), Http(env={"SSL_CERT_DIR": folder}) as http:
        http.request("GET", "https://localhost:1/")


def test_an_authority_for_the_index_is_not_believed_of_anybody_else(own: DevTls, opening: DevTls, far: Any) -> None:
    with running(Proxy()) as proxy:
        env = {**through(proxy), "SSL_CERT_FILE": str(opening.ca)}
        with Http(env=env, ca=str(own.ca), ca_for=("index.test",)) as http:
            assert http.request("GET", f"{far.url}/_/oidc/audience").status == 200
            with pytest.raises(Unreachable, match=rf"The roots used are {opening.ca}"):
                http.request("GET", far.url.replace("index.test", "ci.test"))


def test_a_certificate_for_another_host_and_one_of_an_authority_are_told_apart(own: DevTls, far: Any) -> None:
    with (
        running(Proxy()) as proxy,
        Http(env=through(proxy), ca=str(own.ca)) as http,
        pytest.raises(Unreachable, match="is not trusted") as caught,
    ):
        http.request("GET", far.url.replace("index.test", "other.test"))
    assert "another host" in str(caught.value.hint)
    assert json.dumps(far.paths()) == "[]"
