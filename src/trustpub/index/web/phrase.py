# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences in the status line of a response, the only place where twine looks for the reason of a refusal.

ASGI has no word for it, so this is an extension of ours: a server that offers :data:`EXTENSION` in the scope takes
``"reason"`` (bytes) in ``http.response.start``. :data:`HTTP_PROTOCOL`, given to uvicorn as ``http=``, is such a server;
under any other the status line stays as it is, and the sentence is in the body all the same.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from trustpub.index.web import sendfile
from trustpub.index.web.sendfile import Sender, Sent
from trustpub.protocol.exchange import PROBLEM_TYPE, Problem

try:  # the faster of uvicorn's two parsers, where it is installed
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
except ImportError:  # pragma: no cover - depends on the platform
    _Protocol = H11Protocol  # type: ignore[assignment, misc]

EXTENSION = "trustpub.reason"
MAX_PHRASE = 500
_GOODBYE_SECONDS = 1.0
"""How long the other side may take to say that it, too, is done with a connection, when the server is to stop."""
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [0-9]{3} [^\r\n]*\r\n")

_BAD_REQUEST = Problem(
    status=400, code="bad-request", title="Bad request", detail="What was sent is no HTTP request that can be read."
)

Message = MutableMapping[str, Any]
App = Callable[[MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]


def phrase(sentence: str) -> bytes:
    """``sentence`` as a reason phrase (RFC 9112 section 4): one line of Latin-1, with ``?`` for what it has not."""
    return _UNFIT.sub(" ", sentence)[:MAX_PHRASE].strip().encode("latin-1", "replace")


class _PhrasingTransport:
    """A transport that puts a phrase into the next status line written to it, and leaves all else alone.

    A response's head is one write, beginning with the status line; responses of one connection do not overlap.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.reason: bytes | None = None
        self.holding = False
        """Keep the next head back, to be sent with the file that follows."""
        self.head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, chunk: bytes) -> None:
        if isinstance(chunk, Sent):
            return
        if self.reason is not None and (line := _STATUS_LINE.match(chunk)) and chunk[9:12] >= b"200":
            chunk = chunk[:13] + self.reason + b"\r\n" + chunk[line.end() :]
            self.reason = None
        if self.holding and _STATUS_LINE.match(chunk):
            self.holding, self.head = False, chunk
            return
        self._transport.write(chunk)

    def take_head(self) -> bytes:
        """What was kept back."""
        head, self.head = self.head, b""
        return head


class _Phrasing(asyncio.Protocol):
    """What is added to either of uvicorn's protocols, by their public face only."""

    app: App
    transport: asyncio.Transport
    sends_files = False
    """Whether its responses may have a body that the kernel sends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inner = self.app
        self._phrasing: _PhrasingTransport | None = None
        self._sender: Sender | None = None
        self.app = self._with_reason

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start of a connection."""
        self._phrasing = _PhrasingTransport(cast(asyncio.Transport, transport))
        if self.sends_files and Sender.can(cast(asyncio.Transport, transport)):
            self._sender = Sender(cast(asyncio.Transport, transport))
        super().connection_made(cast(asyncio.Transport, self._phrasing))

    def connection_lost(self, exc: Exception | None) -> None:
        """End of a connection."""
        if self._sender is not None:
            self._sender.lost()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server is told to stop, and ends every connection on which nothing is under way.

        Browsers keep connections for later and do not read from them meanwhile. Over TLS the end of one would be waited
        for until they did.
        """
        super().shutdown()  # type: ignore[misc]  # uvicorn's, of which mypy sees no base class here
        if self.transport.is_closing():
            asyncio.get_running_loop().call_later(_GOODBYE_SECONDS, self.transport.abort)

    async def _with_reason(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        transport, sender = self._phrasing, self._sender

        async def send_phrased(message: Message) -> None:
            if message["type"] == "http.response.start" and transport is not None:
                transport.reason = message.get("reason")
                transport.holding = sendfile.EXTENSION in message
            elif message["type"] == sendfile.EXTENSION and transport is not None and sender is not None:
                await sender.send(transport.take_head(), message, send)
                return
            await send(message)

        extensions = scope.setdefault("extensions", {})
        extensions[EXTENSION] = {}
        if sender is not None:
            extensions[sendfile.EXTENSION] = {}
        await self._inner(scope, receive, send_phrased)

    def send_400_response(self, msg: str) -> None:
        """The end of a connection on which something else than HTTP came."""
        body = json.dumps(_BAD_REQUEST.body()).encode()
        head = (
            f"HTTP/1.1 400 Bad Request\r\nContent-Type: {PROBLEM_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class H11PhrasingProtocol(_Phrasing, H11Protocol):
    """uvicorn's pure Python protocol, with phrases."""


class PhrasingProtocol(_Phrasing, _Protocol):
    """uvicorn's best protocol here, with phrases."""

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body. It is not copied where uvicorn holds none yet: an upload has a thousand."""
        cycle = getattr(self, "cycle", None)
        if cycle is not None and not cycle.body:
            cycle.body = b""  # to which bytes are added by taking them as they are
        super().on_body(body)

    sends_files = not issubclass(_Protocol, H11Protocol)


HTTP_PROTOCOL: type[asyncio.Protocol] = PhrasingProtocol
"""For ``uvicorn.Config(http=...)``."""
