# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A proxy before an index that fails as networks and gateways do, by a seed, and remembers what really happened."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import random
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

FAULTS = ("none", "drop", "cut", "lost", "torn", "503", "gateway", "429", "late")
"""Nothing; hung up on; hung up on in the middle of the body; done, and hung up on instead of an answer; done, and half
an answer; not done; done, and a gateway that says it failed; not now; done, and late."""
_FILENAME = re.compile(rb'name="content"; filename="([^"]+)"')
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "host", "date", "server", "keep-alive"})


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A request as the index saw it, and its answer."""

    method: str
    path: str
    status: int
    sent: bytes
    answer: bytes
    headers: Mapping[str, str] = field(repr=False)


class Flaky:
    """It listens over TLS with the index's own certificate, on another port of the same host."""

    def __init__(
        self, url: str, ca: Path, data: Path, *, seed: int = 0, weights: Mapping[str, float] | None = None
    ) -> None:
        """``weights``: of the faults, which are none where nothing is said."""
        self.passed: list[Passed] = []
        self.faults: Counter[str] = Counter()
        self.uploading = threading.Event()
        """An upload has begun."""
        self.delay = 0.0
        """Seconds that every upload takes longer."""
        self.expires_in: int | None = None
        """What mint answers are made to say of how long their tokens live."""
        self._weights = dict(weights or {"none": 1.0})
        self._chance = random.Random(seed)  # noqa: S311 - chance that can be had again
        self._lock = threading.Lock()
        self._index = url
        self._to_index = ssl.create_default_context(cafile=ca)
        flaky = self

        class Door(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                flaky.serve(self)

            do_POST = do_GET  # noqa: N815 - the name that http.server calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was killed

        self._server = Quiet(("127.0.0.1", 0), Door)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(data / "tls" / "server.pem", data / "tls" / "server-key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def calm(self) -> None:
        """Fail no more."""
        self._weights = {"none": 1.0}

    def taken(self) -> Counter[str]:
        """How often the index took each file."""
        with self._lock:
            uploads = [one for one in self.passed if one.path == "/legacy/" and one.status == 200]
        found = [_FILENAME.search(one.sent) for one in uploads]
        return Counter(one[1].decode() for one in found if one)

    def minted(self) -> set[str]:
        """The tokens that the index gave."""
        with self._lock:
            answers = [one for one in self.passed if one.path.endswith("/mint-token") and one.status == 200]
        return {json.loads(one.answer)["token"] for one in answers}

    def burned(self) -> set[str]:
        """The tokens that were given back."""
        with self._lock:
            asked = [one for one in self.passed if one.path.endswith("/burn-token") and one.status == 202]
        return {json.loads(one.sent)["token"] for one in asked}

    def identities(self) -> set[str]:
        """The identity tokens that were shown."""
        with self._lock:
            asked = [one for one in self.passed if one.path.endswith(("/mint-token", "/preflight"))]
        return {json.loads(one.sent)["token"] for one in asked}

    def used(self) -> list[str]:
        """The tokens that files went up with, in the order that the index answered in."""
        with self._lock:
            uploads = [one for one in self.passed if one.path == "/legacy/"]
        pairs = [base64.b64decode(one.headers["Authorization"].removeprefix("Basic ")).decode() for one in uploads]
        return [pair.partition(":")[2] for pair in pairs]

    def serve(self, door: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request, or not."""
        with self._lock:
            (fault,) = self._chance.choices(list(self._weights), list(self._weights.values()))
            wait = self._chance.uniform(0.02, 0.2)
            self.faults[fault] += 1
        length = int(door.headers.get("Content-Length", 0))
        if fault == "cut":
            door.rfile.read(length // 2)
        if fault in ("drop", "cut"):
            door.close_connection = True
            return
        body = door.rfile.read(length)
        if urlsplit(door.path).path == "/legacy/":
            self.uploading.set()
            time.sleep(self.delay)
        if fault in ("503", "429"):
            self._say(door, int(fault), {"Retry-After": "0" if fault == "503" else "1"}, b"not now")
            return
        status, headers, answer = self._ask(door.command, door.path, dict(door.headers.items()), body)
        if fault == "late":
            time.sleep(wait)
        if fault == "lost":
            door.close_connection = True
        elif fault == "torn":
            self._say(door, status, headers, answer, torn=True)
        elif fault == "gateway":
            self._say(door, 502, {"Content-Type": "text/html"}, b"<html><h1>Bad gateway</h1></html>")
        else:
            self._say(door, status, headers, answer)

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(self._index)
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=60, context=self._to_index)
        try:
            sent = {name: value for name, value in headers.items() if name.lower() not in _HOP}
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            told = answer.read()
            given = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        finally:
            connection.close()
        where = urlsplit(path).path
        if answer.headers.get("Content-Type", "").startswith("application/"):
            told = told.replace(self._index.encode(), self.url.encode())
        with self._lock:
            self.passed.append(
                Passed(method=method, path=where, status=answer.status, sent=body, answer=told, headers=dict(headers))
            )
        if where.endswith("/mint-token") and answer.status == 200 and self.expires_in is not None:
            told = json.dumps({**json.loads(told), "expires": int(time.time()) + self.expires_in}).encode()
        return answer.status, given, told

    def _say(
        self,
        door: http.server.BaseHTTPRequestHandler,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        torn: bool = False,
    ) -> None:
        door.send_response(status)
        for name, value in headers.items():
            door.send_header(name, value)
        door.send_header("Content-Length", str(len(body) + torn))
        door.end_headers()
        door.wfile.write(body[: len(body) // 2] if torn else body)
        door.close_connection = door.close_connection or torn
