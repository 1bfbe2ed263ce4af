# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A web server that answers what the test says, and real keys for its key sets."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from trustpub.index.adapters.tls import DevTls
from trustpub.index.kept import Issuer

DISCOVERY = "/.well-known/openid-configuration"
Write = Callable[[bytes], object]


@dataclass
class Site:
    """``pages`` are answers, or functions that write raw bytes to the connection as they please."""

    url: str = ""
    pages: dict[str, tuple[int, bytes, dict[str, str]] | Callable[[Write], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    """The Host headers."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Nothing is answered while it is cleared."""

    def put(self, path: str, value: Any, status: int = 200, **headers: str) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.pages[path] = (status, body, headers)

    def be_issuer(self, *kids: str, **changes: Any) -> None:
        self.put(DISCOVERY, {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **changes})
        self.put("/keys", {"keys": [an_rsa_key(kid) for kid in kids]})

    @property
    def issuer(self) -> Issuer:
        return Issuer(url=self.url, kind="github")

    @property
    def fetches(self) -> int:
        return self.asked.count(DISCOVERY)


@contextlib.contextmanager
def serving(tls: DevTls | None = None) -> Iterator[Site]:
    site = Site()
    site.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.hosts.append(self.headers["Host"])
            site.gate.wait(20)
            page = site.pages.get(self.path, (404, b"{}", {}))
            with contextlib.suppress(OSError):  # who asked may be gone
                if callable(page):
                    page(self.wfile.write)
                    return
                status, body, headers = page
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """A client that does not like the certificate is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    site.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def an_rsa_key(kid: str | None = "1", bits: int = 2048, exponent: int = 65537, **changes: Any) -> dict[str, Any]:
    """A public JWK; ``bits`` other than 2048 make a number of that length that is no key at all."""
    modulus = _modulus() if bits == 2048 else (1 << bits - 1) | 1
    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "n": number(modulus), "e": number(exponent), **changes}
    return key if kid is None else {"kid": kid, **key}


def an_ec_key(kid: str = "1", **changes: Any) -> dict[str, Any]:
    x, y = _point()
    return {"kid": kid, "kty": "EC", "crv": "P-256", "x": number(x, 32), "y": number(y, 32), **changes}


def number(value: int, size: int = 0) -> str:
    """As RFC 7518 section 2 writes one."""
    size = size or (value.bit_length() + 7) // 8
    return urlsafe_b64encode(value.to_bytes(size)).rstrip(b"=").decode()


@cache
def _modulus() -> int:
    return rsa.generate_private_key(65537, 2048).public_key().public_numbers().n


@cache
def _point() -> tuple[int, int]:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return numbers.x, numbers.y
