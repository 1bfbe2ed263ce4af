# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trustpub.index.adapters.forge import GitHub
from trustpub.index.adapters.jwks import COOLDOWN_SECONDS, FRESH_SECONDS, USABLE_SECONDS, JwksKeys
from trustpub.index.manage import ForgeSilent
from trustpub.index.ports import Issuer, IssuerDown, NoSuchKey

from .conftest import SetClock


@dataclass
class Site:
    """A web server that answers what the test says, and remembers who asked for what."""

    url: str = ""
    pages: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, value: Any, status: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.pages[path] = (status, body, headers)

    def be_issuer(self, *kids: str, **changes: Any) -> None:
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **changes}
        self.put("/.well-known/openid-configuration", document)
        self.put("/keys", {"keys": [{"kty": "RSA", "kid": kid} for kid in kids]})

    @property
    def issuer(self) -> Issuer:
        return Issuer(url=self.url, kind="github")


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            status, body, headers = site.pages.get(self.path, (404, b"{}", {}))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def keys(clock: SetClock) -> JwksKeys:
    return JwksKeys(env={}, clock=clock, rehearsal=True)


def test_given_keys_are_never_fetched(keys: JwksKeys) -> None:
    given = Issuer(url="https://ci.example", kind="github", jwks={"keys": [{"kid": "1", "kty": "RSA"}]})
    assert keys.get(given, "1")["kty"] == "RSA"
    with pytest.raises(NoSuchKey):
        keys.get(given, "2")


def test_keys_are_discovered_and_kept_for_an_hour(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    assert keys.get(site.issuer, "1")["kid"] == "1"
    clock.now += FRESH_SECONDS - 1
    keys.get(site.issuer, "1")
    assert site.asked == ["/.well-known/openid-configuration", "/keys"]
    site.be_issuer("2")
    clock.now += 1
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "1")
    assert keys.get(site.issuer, "2")["kid"] == "2"


def test_unknown_keys_cost_one_request_a_minute(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    clock.now += COOLDOWN_SECONDS
    for _ in range(5):
        with pytest.raises(NoSuchKey):
            keys.get(site.issuer, "unknown")
    assert site.asked.count("/keys") == 2
    site.be_issuer("1", "new")
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "new")
    clock.now += COOLDOWN_SECONDS
    assert keys.get(site.issuer, "new")["kid"] == "new"


def test_a_failure_is_not_repeated_for_a_minute(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    for _ in range(3):
        with pytest.raises(IssuerDown, match="status 404"):
            keys.get(site.issuer, "1")
    assert len(site.asked) == 1
    site.be_issuer("1")
    clock.now += COOLDOWN_SECONDS
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


def test_an_empty_set_is_never_kept(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    site.be_issuer()
    clock.now += FRESH_SECONDS
    assert keys.get(site.issuer, "1")


def test_many_at_once_ask_once(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1")
    ready = threading.Barrier(8)

    def ask(_: int) -> str:
        ready.wait()
        return str(keys.get(site.issuer, "1")["kid"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["1"] * 8
    assert site.asked.count("/keys") == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issuer": "https://other.example"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"jwks_uri": None}, "names no key set"),
        ({"jwks_uri": 7}, "names no key set"),
        ({"jwks_uri": "http://[::1"}, "names no key set"),
        ({"jwks_uri": "https://evil.example/keys"}, "not on its own host"),
        ({"jwks_uri": "http://127.0.0.1:1/keys"}, "not on its own host"),
        ({"jwks_uri": "file:///etc/passwd"}, "not on its own host"),
    ],
)
def test_keys_come_from_the_issuers_own_host_only(
    keys: JwksKeys, site: Site, changes: dict[str, Any], sentence: str
) -> None:
    site.be_issuer("1", **changes)
    with pytest.raises(IssuerDown, match=sentence):
        keys.get(site.issuer, "1")
    assert site.asked == ["/.well-known/openid-configuration"]


def test_outside_a_rehearsal_keys_come_over_https_only(site: Site, clock: SetClock) -> None:
    site.be_issuer("1")
    with pytest.raises(IssuerDown, match="over https"):
        JwksKeys(env={}, clock=clock).get(site.issuer, "1")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[" * 100_000, b'{"keys": {}}', b'{"keys": [1, {"kid": ""}]}', b" " * 1_048_577]
)
def test_a_key_set_that_is_none_is_an_issuer_that_is_down(keys: JwksKeys, site: Site, body: bytes) -> None:
    site.be_issuer("1")
    site.put("/keys", body)
    with pytest.raises(IssuerDown):
        keys.get(site.issuer, "1")


def test_a_long_discovery_document_is_not_read(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1", padding="x" * 102_400)
    with pytest.raises(IssuerDown, match="more than 102400 bytes"):
        keys.get(site.issuer, "1")


def test_redirects_are_not_followed(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1")
    site.put("/keys", {}, 302, Location=f"{site.url}/elsewhere")
    with pytest.raises(IssuerDown, match="redirect"):
        keys.get(site.issuer, "1")
    assert "/elsewhere" not in site.asked


def test_two_keys_of_one_id_are_none(keys: JwksKeys, site: Site) -> None:
    site.be_issuer("1", "1", "2")
    with pytest.raises(NoSuchKey):
        keys.get(site.issuer, "1")
    assert keys.get(site.issuer, "2")


def test_nobody_there_is_an_issuer_that_is_down(keys: JwksKeys) -> None:
    with pytest.raises(IssuerDown):
        keys.get(Issuer(url="http://127.0.0.1:1", kind="github"), "1")


REPOSITORY = {"id": 456789, "full_name": "Octo-Org/hello", "owner": {"id": 123456}}


def test_the_forge_says_the_ids_of_a_repository(site: Site) -> None:
    site.put("/repos/octo-org/Hello", REPOSITORY)
    ids = GitHub({}, api=site.url).ids("octo-org/Hello")
    assert ids == {"owner_id": "123456", "repository_id": "456789"}


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        (b"{}", 404, "no public repository"),
        (b"{}", 403, "no more questions"),
        (b"{}", 500, "status 500"),
        (b"{", 200, "does not hold the ids"),
        ({**REPOSITORY, "id": "456789"}, 200, "does not hold the ids"),
        ({**REPOSITORY, "full_name": "other/hello"}, 200, "another repository"),
        (b"{}", 301, "redirect"),
    ],
)
def test_a_forge_that_does_not_answer_says_why(site: Site, answer: Any, status: int, sentence: str) -> None:
    site.put("/repos/octo-org/hello", answer, status)
    with pytest.raises(ForgeSilent, match=sentence):
        GitHub({}, api=site.url).ids("octo-org/hello")


def test_a_forge_out_of_reach_says_so() -> None:
    with pytest.raises(ForgeSilent, match="cannot be asked"):
        GitHub({}, api="http://127.0.0.1:1").ids("octo-org/hello")
