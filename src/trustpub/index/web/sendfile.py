# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes of a file from the disk to the client, without a detour through this program (sendfile(2)).

ASGI has a word for it that no server knows; this one is ours. A server that offers :data:`EXTENSION` in the scope takes
``{EXTENSION: True}`` in ``http.response.start``, and then messages of this type instead of ``http.response.body``:
``before`` (bytes to send first), ``descriptor``, ``offset``, ``count`` and ``more_body``, which must be true.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

EXTENSION = "trustpub.sendfile"

STEP = 1024 * 1024
"""Bytes after which others have their turn."""

STALL_SECONDS = 60
"""How long a client may take nothing."""

_MORE = getattr(socket, "MSG_MORE", 0)  # the head goes out with the first bytes

Message = MutableMapping[str, Any]


class Sent(bytes):
    """Stands for bytes that are on their way already: as long as they are, and empty."""

    _length: int

    def __new__(cls, length: int) -> Sent:
        """``length``: how many they were."""
        made = super().__new__(cls)
        made._length = length
        return made

    def __len__(self) -> int:
        return self._length


class Sender:
    """Sends files on one connection, past its transport; only while that has nothing to send itself."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._lost = asyncio.Event()
        self._turn: asyncio.Future[None] | None = None

    @staticmethod
    def can(transport: asyncio.Transport) -> bool:
        """Whether the kernel may write to this connection: not where it is encrypted here."""
        if transport.get_extra_info("sslcontext") is not None or not hasattr(os, "sendfile"):
            return False
        return transport.get_extra_info("socket") is not None

    def lost(self) -> None:
        """The connection is gone."""
        self._lost.set()
        if self._turn is not None and not self._turn.done():
            self._turn.set_exception(ConnectionResetError())

    async def send(self, head: bytes, message: Message, send: Callable[[Message], Awaitable[None]]) -> None:
        """Send ``head`` and what ``message`` names, and tell ``send``, who keeps count, of the latter."""
        before = message["before"]
        count = len(before) + message["count"]
        if self._transport.get_write_buffer_size() > 0:
            # An earlier answer is on its way yet: this one waits behind it, in memory.
            self._transport.write(head)
            await _send_read(message, send)
            return
        out = socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))
        try:
            out.setblocking(False)
            await self._send(out, head + before, message)
        except (OSError, TimeoutError):
            self._transport.abort()
            await self._lost.wait()
        finally:
            out.close()
        await send({"type": "http.response.body", "body": Sent(count), "more_body": True})

    async def _send(self, out: socket.socket, head: bytes, message: Message) -> None:
        rest = memoryview(head)
        while rest:
            try:
                rest = rest[out.send(rest, _MORE) :]
            except BlockingIOError:
                await self._writable(out)
        offset, left, sent_now = message["offset"], message["count"], 0
        while left > 0:
            try:
                sent = os.sendfile(out.fileno(), message["descriptor"], offset, min(left, STEP))
            except BlockingIOError:
                await self._writable(out)
                continue
            if sent == 0:
                raise OSError("the file ended early")
            offset, left, sent_now = offset + sent, left - sent, sent_now + sent
            if sent_now >= STEP and left > 0:
                sent_now = 0
                await asyncio.sleep(0)

    async def _writable(self, out: socket.socket) -> None:
        if self._lost.is_set():
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._turn = turn
        loop.add_writer(out.fileno(), _wake, turn)
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await turn
        finally:
            loop.remove_writer(out.fileno())
            self._turn = None


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


async def _send_read(message: Message, send: Callable[[Message], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    before, offset, end = message["before"], message["offset"], message["offset"] + message["count"]
    while offset < end:
        chunk = await loop.run_in_executor(None, os.pread, message["descriptor"], min(STEP, end - offset), offset)
        if not chunk:
            raise EOFError("a file is shorter than its row says")
        offset += len(chunk)
        await send({"type": "http.response.body", "body": before + chunk, "more_body": True})
        before = b""
