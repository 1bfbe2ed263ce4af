# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Issuers that answer well, badly or not at all: the same verdict as PyPI's, with the issuer on loopback."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from .conftest import KEY, Deviations, Index, sign

DISCOVERY = "/.well-known/openid-configuration"
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "k2"}, auto_kid=False)
ROW = {
    "owner": "foo",
    "repository": "bar",
    "owner_id": "123",
    "repository_id": "74",
    "workflow_filename": "release.yml",
}

Answer = tuple[int, bytes]


@dataclass(kw_only=True)
class Provider:
    """An issuer on loopback that answers what it is told to."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def usual(self, *keys: Mapping[str, Any], **discovery: Any) -> None:
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **discovery}
        said = {name: value for name, value in document.items() if value is not None}
        self.answers[DISCOVERY] = (200, json.dumps(said).encode())
        self.answers["/jwks"] = (200, json.dumps({"keys": keys}).encode())


@contextmanager
def provider() -> Iterator[Provider]:
    """Listening until the end of the block."""
    made = Provider()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, body = made.answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def index(open_index: Callable[..., Index]) -> Index:
    """A rehearsal, which believes issuers on loopback."""
    return open_index(rehearsal=True)


PUBLIC = KEY.as_dict(private=False)


def _closed_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


def _replaced(path: str, status: int, body: bytes) -> Callable[[Provider], None]:
    def prepare(issuer: Provider) -> None:
        issuer.usual(PUBLIC)
        issuer.answers[path] = (status, body)

    return prepare


def _elsewhere(issuer: Provider) -> None:
    issuer.usual(
        PUBLIC, issuer="https://somebody.example", jwks_uri=issuer.url.replace("127.0.0.1", "localhost") + "/jwks"
    )


def _keys(*keys: Mapping[str, Any]) -> Callable[[Provider], None]:
    return lambda issuer: issuer.usual(*keys)


PREPARED: Mapping[str, Callable[[Provider], None]] = {
    "keys-001": _elsewhere,
    "keys-002": _elsewhere,
    "keys-005": _replaced(DISCOVERY, 500, b"{}"),
    "keys-006": _replaced(DISCOVERY, 500, b"{}"),
    "keys-007": _replaced(DISCOVERY, 200, b"<html>"),
    "keys-008": lambda issuer: issuer.usual(PUBLIC, jwks_uri=None),
    "keys-009": _replaced("/jwks", 500, b"{}"),
    "keys-010": _replaced("/jwks", 200, b"<html>"),
    "keys-011": _keys(),
    "keys-012": _keys({name: value for name, value in PUBLIC.items() if name != "kid"}),
    "keys-013": _keys({"kty": "XYZ", "kid": "strange"}, PUBLIC),
    "keys-014": _keys({"kty": "RSA", "kid": "k1", "n": "!", "e": "AQAB"}),
    "keys-015": _keys(PUBLIC),
    "keys-016": _keys(PUBLIC),
}
"""What the issuer answers at first; 3 and 4 have none that could."""


def test_ends_as_on_pypi(index: Index, keys_case: Mapping[str, Any], deviations: Deviations) -> None:
    index.clock.now += 61
    with provider() as issuer:
        url = _silent(keys_case["id"]) or issuer.url
        prepare = PREPARED.get(keys_case["id"])
        if prepare is not None:
            prepare(issuer)
        with index.folder.store.read() as reading:
            assert reading.issuer(url) is None
        index.believe(url, "github", keys=None)
        publisher = index.register("github", ROW, f"case-{keys_case['id']}", issuer=url)
        try:
            found = _play(index, issuer, url, keys_case["id"])
        finally:
            index.unregister(publisher)
            index.folder.issuers.remove(url)  # another case may be given the same port
        deviations.judge(keys_case, keys_case["expected"], "accept" if found == "accept" else "reject")


def _silent(case: str) -> str | None:
    """An issuer at which nobody listens (3), or that takes a connection and says nothing (4)."""
    if case == "keys-003":
        return _closed_port()
    return None


def _play(index: Index, issuer: Provider, url: str, case: str) -> str:
    if case == "keys-004":
        return _against_a_mute(index)
    found = index.mint(_token(index, url, "k1"))
    if case in ("keys-002", "keys-006"):  # the second request to the same issuer
        return index.mint(_token(index, url, "k1"))
    if case == "keys-015":
        issuer.usual(OTHER_KEY.as_dict(private=False))
        index.clock.now += 120
        return index.mint(_token(index, url, "k1"))
    if case == "keys-016":
        index.mint(_token(index, url, "nobody"))
        issuer.usual(OTHER_KEY.as_dict(private=False))
        return index.mint(_token(index, url, "k2", OTHER_KEY))
    return found


def _against_a_mute(index: Index) -> str:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        index.believe(url, "github", keys=None)
        try:
            return index.mint(_token(index, url, "k1"))
        finally:
            index.folder.issuers.remove(url)


def _token(index: Index, issuer: str, kid: str, key: RSAKey = KEY) -> str:
    now = int(index.clock.now)
    ref = "refs/heads/main"
    claims = {
        "iss": issuer, "aud": index.audience, "iat": now, "nbf": now, "exp": now + 300, "jti": str(uuid.uuid4()),
        "repository": "foo/bar", "repository_id": "74", "repository_owner": "foo", "repository_owner_id": "123",
        "job_workflow_ref": f"foo/bar/.github/workflows/release.yml@{ref}", "ref": ref, "sha": "0" * 40,
        "event_name": "push",
    }  # fmt: skip
    return sign(claims, key, kid=kid)
