# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A web server of a test's own, whose pages are what the test says, and an index on a real port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import uvicorn
from starlette.types import ASGIApp


@dataclass
class Site:
    """Pages by path, with or without a query; ``guard`` is the Authorization header that all of them want."""

    url: str = ""
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    guard: str | None = None
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def site() -> Iterator[Site]:
    """A server on loopback."""
    told = Site()

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            told.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            content_type, body, status = "text/plain", b"nothing", 404
            if told.guard is not None and self.headers.get("Authorization") != told.guard:
                status = 401
            elif self.path in told.pages:
                (content_type, body), status = told.pages[self.path], 200
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield told
        finally:
            server.shutdown()


@contextmanager
def served(make: Callable[[str], ASGIApp]) -> Iterator[str]:
    """An application on loopback; ``make`` is told its URL, which is what comes out."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(make(url), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield url
        finally:
            server.should_exit = True
            thread.join(10)
