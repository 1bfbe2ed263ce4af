# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A listening socket that several processes share, so that each gets its part of the connections.

The event loops take all connections that wait, as soon as they see one: of clients that come together, one process
would have all, and keep them. Here a process takes one at a time, and gives the others a moment to take the next.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

MOMENT_SECONDS = 0.001
"""Which is how many connections a second one process takes at most: a thousand."""
NO_ROOM_SECONDS = 0.5
"""Until it is tried again, where the process has no descriptor left."""


class SharedListening:
    """What :class:`asyncio.Server` is to uvicorn, on such a socket. To be made in the running event loop."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        """``protocol``: makes one for each connection. ``tls``: None for a socket that speaks plainly."""
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._greeting: set[asyncio.Task[None]] = set()
        self._open = True
        listening.setblocking(False)
        self._watch()

    def close(self) -> None:
        """Take no more. The socket itself stays open for whoever else has it."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._listening.fileno())
            self._listening.close()

    async def wait_closed(self) -> None:
        """Until those that were taken are with their protocols."""
        if self._greeting:
            await asyncio.wait(self._greeting)

    def _watch(self) -> None:
        if self._open:
            self._loop.add_reader(self._listening.fileno(), self._take)

    def _take(self) -> None:
        pause = MOMENT_SECONDS
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was faster, or who came has gone
        except OSError:
            pause = NO_ROOM_SECONDS
        else:
            connection.setblocking(False)
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            greeting = self._loop.create_task(self._greet(connection))
            self._greeting.add(greeting)
            greeting.add_done_callback(self._greeting.discard)
        self._loop.remove_reader(self._listening.fileno())
        self._loop.call_later(pause, self._watch)

    async def _greet(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls)
        except OSError:  # it speaks no TLS, or has gone
            connection.close()
