# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A proxy before an index, as many have one, that sees what clients ask for and can have pages served as HTML."""

from __future__ import annotations

import http.server
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from typing import Self

from .conftest import Shop

HTML, JSON = "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+json"
_PAGE = re.compile(r"/simple/[^/]+/")
_PASSED = ("Accept", "Authorization", "If-None-Match", "Range", "User-Agent")
_GIVEN = ("Content-Type", "Cache-Control", "ETag", "Vary", "WWW-Authenticate", "Content-Range", "Location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request, and its answer."""

    path: str
    status: int
    content_type: str
    authorized: bool
    """Whether it came with a credential."""


class Front:
    """It listens until it is closed, over TLS with the index's own certificate, on another port of the same host."""

    def __init__(self, shop: Shop, accept: str | None) -> None:
        self.seen: list[Seen] = []
        self._shop = shop
        self._accept = accept
        self._to_index = ssl.create_default_context(cafile=shop.ca)
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                front.pass_on(self)

            do_HEAD = do_GET  # noqa: N815 - http.server looks for this name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shop.data / "tls" / "server.pem", shop.data / "tls" / "server-key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    @property
    def page_types(self) -> set[str]:
        """What the projects' pages were served as."""
        return {one.content_type for one in self.seen if one.status == 200 and _PAGE.fullmatch(one.path)}

    def pass_on(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Ask the index, and answer with what it says; links to it become links to here."""
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        if self._accept and _PAGE.fullmatch(request.path):
            headers["Accept"] = self._accept
        status, given, body = self._ask(request.command, request.path, headers)
        content_type = given.get("Content-Type", "")
        if content_type.startswith((HTML, JSON)):
            body = body.replace(self._shop.url.encode(), self.url.encode())
        length = given.get("Content-Length", "0") if request.command == "HEAD" else str(len(body))
        self.seen.append(
            Seen(
                path=request.path,
                status=status,
                content_type=content_type.partition(";")[0],
                authorized="Authorization" in request.headers,
            )
        )
        request.send_response(status)
        for name in _GIVEN:
            if name in given:
                request.send_header(name, given[name].replace(self._shop.url, self.url))
        request.send_header("Content-Length", length)
        request.end_headers()
        request.wfile.write(body if request.command == "GET" else b"")

    def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, Message, bytes]:
        asked = urllib.request.Request(self._shop.url + path, headers=dict(headers), method=method)
        try:
            with urllib.request.urlopen(asked, context=self._to_index, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.headers, refusal.read()
