# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The end of a server: what is under way finishes, and who comes now is told to come again.

The socket stays open meanwhile, so that clients get an answer that they understand, and a load balancer sees from the
health check that it is to look elsewhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trustpub.protocol.exchange import PROBLEM_TYPE, Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

RETRY_SECONDS = 5
"""After which it makes sense to try again: a start takes a second or two."""

STOPPING = Problem(
    status=503,
    code="stopping",
    title="The server is stopping",
    detail="the server was told to stop, and finishes what it has begun: try again in a moment",
    retry_after=RETRY_SECONDS,
)


class Draining:
    """An application that can be told to take no more requests."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self._body = json.dumps(STOPPING.body(public_url)).encode()
        self.ending = False
        """Whether it takes none."""
        self.busy = 0
        """How many it has taken and not answered to the end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it, or say that nothing is taken any more."""
        if scope["type"] == "http" and self.ending:
            await self._refuse(send)
            return
        self.busy += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.busy -= 1

    async def _refuse(self, send: Send) -> None:
        headers = [
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"content-length", str(len(self._body)).encode()),
            (b"retry-after", str(RETRY_SECONDS).encode()),
            (b"cache-control", b"no-store"),
            # Whatever of a body is on its way is not read.
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": STOPPING.status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
