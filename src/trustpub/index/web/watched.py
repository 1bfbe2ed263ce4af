# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is around the application: each request gets an id, a line in the log, and its place in the figures.

The id is that of ``X-Request-ID`` where a proxy or a client sent one that is fit for a log; else it is made. The answer
has it in the same header, a problem in its ``instance``, and every line of the log that is about this request.
"""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING, Any

from trustpub.index.accounts.invitations import INVITATION_PATH
from trustpub.index.logs import FACTS, REQUEST
from trustpub.index.web.answers import PROBLEM_KEY, REQUEST_KEY
from trustpub.printable import printable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from trustpub.index.web.metrics import Metrics
    from trustpub.index.web.scraping import Scraping

HEADER = b"x-request-id"

_SANE = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9-]{6,62})[A-Za-z0-9]\Z")
"""Letters, digits and dashes, 8 to 64 of them: a UUID, what nginx, Caddy and Envoy make, and no token of any kind."""
_SAID = "%s %s %s %s %d ms"
_LINE = "trustpub.access"
_log = logging.getLogger(_LINE)


class Watched:
    """``app``, with ids, lines and figures."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics | None = None, scraping: Scraping | None = None) -> None:
        """``scraping``: who answers for ``/metrics``; None: the application, which has no such address."""
        self._app = app
        self._metrics = metrics
        self._scraping = scraping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 0
        request = request_id(scope)
        scope[REQUEST_KEY] = request
        REQUEST.set(request)
        header = (HEADER, request.encode())

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        metrics = self._metrics
        if metrics is not None:
            metrics.under_way.inc()
        try:
            if self._scraping is not None and self._scraping.is_asked(scope):
                await self._scraping(scope, receive, send_with_id)
            else:
                await self._app(scope, receive, send_with_id)
        finally:
            took = time.perf_counter() - begun
            if metrics is not None:
                metrics.under_way.dec()
                _count(metrics, scope, status, took)
            if _log.isEnabledFor(logging.INFO):
                _tell(scope, status, took)


def request_id(scope: Scope) -> str:
    """That of the request, or a new one."""
    for name, value in scope["headers"]:
        if name == HEADER and _SANE.match(value):
            return str(value, "ascii")
    return os.urandom(16).hex()


def _count(metrics: Metrics, scope: Scope, status: int, took: float) -> None:
    from trustpub.index.web.metrics import route_of

    route = route_of(scope["path"])
    metrics.answered(route, status, took)
    if route == "upload" and scope["method"] == "POST" and status:
        code = scope.get(PROBLEM_KEY, "" if status < 300 else "redirected")
        metrics.uploaded(code, _length(scope))


def _length(scope: Scope) -> int:
    """Bytes of the body, where that was said before."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 19:
            return int(value)
    return 0


def _tell(scope: Scope, status: int, took: float) -> None:
    """One line: who, what, how it went. No query and no header, where secrets might be; nor the end of a path that is
    one.
    """
    client: Any = scope.get("client") or ("-",)
    facts: dict[str, Any] = {
        "client": printable(str(client[0]), 100),
        "method": printable(scope["method"], 30),
        "path": printable(_without_secret(scope["path"]), 300),
        "status": status or None,
        "milliseconds": round(1000 * took),
    }
    told = (facts["client"], facts["method"], facts["path"], status or "-", facts["milliseconds"])
    if PROBLEM_KEY in scope:
        facts["problem"] = scope[PROBLEM_KEY]
    # As info() would, but for looking up which line of the program this is: it is always this one.
    record = logging.LogRecord(_LINE, logging.INFO, "", 0, _SAID, told, None)
    setattr(record, FACTS, facts)
    _log.handle(record)


def _without_secret(path: str) -> str:
    """Of the one path whose last part is a secret, that part is left out."""
    at = path.find(INVITATION_PATH)
    return path if at < 0 else f"{path[: at + len(INVITATION_PATH)]}…"
