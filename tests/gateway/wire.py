# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is between a gateway and the index behind it: an HTTP proxy that breaks where it is told to."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_PIECE = 64 * 1024


class Wire:
    """It passes everything on until it is told otherwise."""

    def __init__(self, index: str) -> None:
        self._index = urlsplit(index)
        wire = self

        class Door(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                wire._read(self)

            def do_POST(self) -> None:
                wire._write(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # hung up on: that is what it is for

        self._server = Quiet(("127.0.0.1", 0), Door)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.mend()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def mend(self) -> None:
        """Work from now on, and forget what was."""
        self.posts = 0
        """Uploads that came."""
        self.authorizations: list[str] = []
        """Of pages that were asked for."""
        self.deaf = False
        """Pages are hung up on."""
        self.cut = False
        """Uploads are hung up on in the middle of the body."""
        self.lose = False
        """Uploads are passed on, and hung up on instead of an answer."""
        self.answer: tuple[int, str, dict[str, str], bytes] | None = None
        """Given to uploads, which are not passed on."""
        self.before: Callable[[], None] = lambda: None
        """Called when half of an upload is here."""
        self.after: Callable[[], None] = lambda: None
        """Called when the index answered an upload."""

    def _read(self, door: http.server.BaseHTTPRequestHandler) -> None:
        self.authorizations.append(door.headers.get("Authorization", ""))
        if self.deaf:
            door.close_connection = True
            return
        self._pass_on(door, "GET", b"")

    def _write(self, door: http.server.BaseHTTPRequestHandler) -> None:
        self.posts += 1
        left = int(door.headers["Content-Length"])
        half = door.rfile.read(left // 2)
        self.before()
        if self.cut:
            door.close_connection = True
            return
        body = half + door.rfile.read(left - len(half))
        if self.answer is not None:
            status, reason, headers, said = self.answer
            door.send_response(status, reason)
            for name, value in headers.items():
                door.send_header(name, value)
            door.send_header("Content-Length", str(len(said)))
            door.end_headers()
            door.wfile.write(said)
            return
        self._pass_on(door, "POST", body)

    def _pass_on(self, door: http.server.BaseHTTPRequestHandler, method: str, body: bytes) -> None:
        connection = http.client.HTTPConnection(self._index.hostname or "", self._index.port, timeout=30)
        try:
            kept = {name: value for name, value in door.headers.items() if name.lower() not in ("host", "connection")}
            connection.request(method, door.path, body or None, kept)
            answer = connection.getresponse()
            said = answer.read()
        except OSError:
            door.close_connection = True
            return
        finally:
            connection.close()
        if method == "POST":
            self.after()
            if self.lose:
                door.close_connection = True
                return
        door.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                door.send_header(name, value)
        door.send_header("Content-Length", str(len(said)))
        door.end_headers()
        door.wfile.write(said)
