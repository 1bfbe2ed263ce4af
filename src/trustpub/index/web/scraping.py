# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may read the figures, and where: beside everything else, or on a port of their own."""

from __future__ import annotations

import hmac
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Self

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Misuse
from trustpub.index import settings
from trustpub.index.web.answers import NO_STORE, Discarding, problem_answer, watched
from trustpub.index.web.metrics import METRICS_PATH, TEXT_TYPE
from trustpub.protocol.exchange import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
"""Where a port of its own listens unless another address is named."""
PATIENCE_SECONDS = 10
"""How long a connection of that port may say nothing."""
_CHALLENGE = 'Bearer realm="metrics"'
_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")

_NOT_ALLOWED = Problem(
    status=403,
    code="not-allowed",
    title="Not allowed",
    detail="The figures of this index are for the networks that its administrator named.",
)
_TOKEN_MISSING = Problem(
    status=401,
    code="unauthorized",
    title="Unauthorized",
    detail="The figures of this index are for who sends the token that its administrator named, as: "
    "Authorization: Bearer TOKEN",
)


class Allowed:
    """Whoever asks from one of the networks, or with the token."""

    def __init__(self, wish: settings.Metrics, *, proxied: bool) -> None:
        """``proxied``: whether the address of who asks is the right one although somebody passed the request on.

        If not, an address that comes with another's word is that of a proxy that nobody named, and counts for nothing.
        """
        self._networks = tuple(ipaddress.ip_network(one, strict=False) for one in wish.networks)
        self._token = wish.token
        self._proxied = proxied

    def refusal(self, peer: str, headers: Mapping[bytes, bytes]) -> Problem | None:
        """Why not, if not. ``headers``: by their names in lower case."""
        forwarded = not self._proxied and any(name in headers for name in _FORWARDED)
        if not forwarded and is_within(peer, self._networks):
            return None
        if self._token is None:
            return _NOT_ALLOWED
        return None if is_bearer(headers.get(b"authorization", b""), self._token.reveal()) else _TOKEN_MISSING


class Scraping:
    """``GET /metrics`` for those who may."""

    def __init__(self, allowed: Allowed, exposition: Callable[[], bytes], *, public_url: str = "") -> None:
        self._allowed = allowed
        self._exposition = exposition
        self._public_url = public_url

    @staticmethod
    def is_asked(scope: Scope) -> bool:
        """Whether it is asked for."""
        return bool(scope["path"] == METRICS_PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        client = scope.get("client")
        refused = self._allowed.refusal(client[0] if client else "", dict(scope["headers"]))
        answer: ASGIApp
        if refused is not None:
            answer = Discarding(self._problem(refused, scope))
        elif scope["method"] not in ("GET", "HEAD"):
            answer = Discarding(Response(status_code=405, headers={**NO_STORE, "Allow": "GET, HEAD"}))
        else:
            whole = await run_in_threadpool(self._exposition)
            answer = Response(whole, headers={**NO_STORE, "Content-Type": TEXT_TYPE})
        await answer(scope, watched(scope, receive), send)

    def _problem(self, problem: Problem, scope: Scope) -> Response:
        answer = problem_answer(problem, Request(scope), public_url=self._public_url)
        if problem.status == 401:
            answer.headers["WWW-Authenticate"] = _CHALLENGE
        return answer


def is_within(peer: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether the address ``peer``, however it is written, is in one of them."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in one for one in networks)


def is_bearer(authorization: bytes, token: str) -> bool:
    """Whether the header has this token; takes as long whether it nearly has or not."""
    scheme, _, given = authorization.partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), token.encode())


class MetricsPort:
    """The figures on a socket of their own, answered by threads: also when the server is too busy to."""

    def __init__(self, wish: settings.Metrics, exposition: Callable[[], bytes]) -> None:
        """Bind it. Where nobody was named who may, whoever reaches it may.

        Raises:
            Misuse: it cannot be bound.
        """
        named = wish.networks or wish.token is not None
        allowed = Allowed(wish, proxied=False) if named else None
        host, port = wish.host or HOST, wish.port or 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._server = _Server((host, port), allowed, exposition, family)
        except OSError as error:
            raise Misuse(f"The figures cannot be had on {host} port {port}: {error.strerror}.") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        """Answer from now on."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """No more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], allowed: Allowed | None, exposition: Callable[[], bytes], family: int
    ) -> None:
        self.address_family = family
        self.allowed = allowed
        self.exposition = exposition
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever went away in the middle is nobody's concern."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_SECONDS
    server_version, sys_version = "trustpub", ""

    def do_GET(self) -> None:
        """The figures."""
        headers = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in self.headers.items()}
        allowed = self.server.allowed
        refused = None if allowed is None else allowed.refusal(self.client_address[0], headers)
        if refused is not None:
            self._answer(refused.status, f"{refused.detail}\n".encode())
        elif self.path.partition("?")[0] != METRICS_PATH:
            self._answer(404, f"The figures are at {METRICS_PATH}.\n".encode())
        else:
            self._answer(200, self.server.exposition(), TEXT_TYPE)

    def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == 401:
            self.send_header("WWW-Authenticate", _CHALLENGE)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Not in the log: it is asked for every few seconds."""
