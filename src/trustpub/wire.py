# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One request and its answer on a connection that is open, through Python's ``http.client``.

What is added: an answer has a size and a time that it may not exceed, however slowly it comes; one that comes before
the request is over ends the upload; and one that was cut is none, which ``http.client`` does not say of a head.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Protocol

from trustpub.outages import NoHttp
from trustpub.streams import Patience, Stream, TooLarge

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 65536
"""Bytes that are read or sent at a time."""
MAX_HEAD_BYTES = 65536
_FRAMING = 8
"""How many times as long as its body an answer may be: no server sends smaller chunks than of a byte each."""
_CUT = "closed before the end of the answer"


class Readable(Protocol):
    """What an open body offers."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came. ``headers``: names in lower case; of a repeated one the values joined by ``, ``."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """One connection to one server, for one request after the other. Not for several threads at once."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._traffic = _Traffic(stream)
        self.reusable = True
        """Whether another request may follow."""
        self.idle_since = 0.0
        """For whoever keeps it: on the monotonic clock."""

    def close(self) -> None:
        """Let go of it."""
        self.reusable = False
        self._stream.close()

    def is_quiet(self) -> bool:
        """Whether it is open, as far as can be known without a question, and nothing came that nobody asked for."""
        try:
            return not self._traffic.arrived()
        except (OSError, TooLarge):
            return False

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Readable | None,
        *,
        max_bytes: int,
        patience: Patience,
    ) -> Answer:
        """Send a request and read its answer. ``headers`` has Host, and Content-Length where ``body`` is read.

        Raises:
            TooLarge: the answer has more than ``max_bytes``.
            OSError: the connection broke, the time is over (TimeoutError), it is no answer, or the request is none
                (:class:`~trustpub.outages.NoHttp`).
        """
        self.reusable = False  # until the whole exchange went well
        self._traffic.begin(patience, MAX_HEAD_BYTES + _FRAMING * max_bytes)
        asking = HTTPConnection("", blocksize=BLOCK)
        asking.sock = self._traffic
        whole = True
        try:
            asking.request(method, target, body, headers)
        except _Early:
            whole = False
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError) as error:
            # A server that will not have the body may answer and close before it has it all.
            try:
                return self._answer(method, max_bytes)[0]
            except OSError:
                raise error from None
        except (HTTPException, ValueError):  # a line break, say, would make two headers out of one
            raise NoHttp("cannot be asked: the request is malformed") from None
        answer, persists = self._answer(method, max_bytes)
        self.reusable = persists and whole
        return answer

    def _answer(self, method: str, max_bytes: int) -> tuple[Answer, bool]:
        """The answer, and whether the connection can stay open behind it."""
        try:
            response = self._begun(method)
            if (response.length or 0) > max_bytes:
                raise TooLarge
            content = response.read(max_bytes + 1)
        except (HTTPException, ValueError):
            raise (
                ConnectionResetError(_CUT) if self._traffic.ended else NoHttp("does not answer in HTTP/1.1")
            ) from None
        if len(content) > max_bytes:
            raise TooLarge
        if response.length:  # so much is missing
            raise ConnectionResetError(_CUT)
        headers: dict[str, str] = {}
        for spelled, value in response.getheaders():
            name, text = spelled.lower(), "".join(value.splitlines()).strip()
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        made = Answer(status=response.status, reason=response.reason, headers=headers, body=content)
        return made, not response.will_close

    def _begun(self, method: str) -> HTTPResponse:
        """The final answer, its head read."""
        while True:
            # As to HEAD, the answer to CONNECT has no body (RFC 9110 section 9.3.6).
            response = HTTPResponse(self._traffic, method="HEAD" if method == "CONNECT" else method)  # type: ignore[arg-type] # it only makes a file of it
            response.begin()
            if self._traffic.ended:
                raise ConnectionResetError(_CUT)
            if response.status >= 200:
                return response


class _Early(Exception):
    """An answer is coming although the request is not over (RFC 9112 section 9.5)."""


class _Traffic(io.RawIOBase):
    """What ``http.client`` takes for a socket, and reads as a file. Outlives each of its requests and answers."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._buffered = _Buffered(self)
        self._patience: Patience | None = None
        """None: nothing is waited for."""
        self._allowed = 1
        """Bytes that may still come."""
        self._begun = False
        """Whether some of a request was sent."""
        self.ended = False
        """Whether the other side closed."""

    def begin(self, patience: Patience, allowed: int) -> None:
        """Be there for one exchange, whose answer has at most so many bytes with all around it."""
        self._patience, self._allowed, self._begun = patience, allowed, False

    def arrived(self) -> bytes:
        """Some of what there is to read, without waiting; it stays there. Empty: nothing is.

        Raises:
            OSError: there is the end.
        """
        # Not by asking whether the socket is readable: with TLS, what is there may be no more than a session ticket.
        patience, self._patience = self._patience, None
        came = self._buffered.peek()
        self._patience = patience
        if not came and self.ended:
            raise ConnectionResetError(_CUT)
        return came

    def sendall(self, content: bytes) -> None:
        """As that of a socket."""
        # An answer that says to go on (RFC 9110 section 15.2) begins with the digit 1.
        if self._begun and (came := self.arrived()) and not came.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
            raise _Early
        self._begun = True
        self._wait()
        self._stream.sendall(content)

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """One step of reading; so an answer that drips has no more time than one that does not."""
        if self._allowed <= 0:
            raise TooLarge
        view = memoryview(buffer)
        self._wait()
        try:
            came = self._stream.recv(min(len(view), BLOCK))
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        self.ended = not came
        self._allowed -= len(came)
        view[: len(came)] = came
        return len(came)

    def readable(self) -> bool:
        """Yes."""
        return True

    def makefile(self, mode: str) -> io.BufferedReader:
        """As that of a socket."""
        return self._buffered

    def close(self) -> None:
        """Nothing: that is the connection's."""

    def _wait(self) -> None:
        self._stream.settimeout(0 if self._patience is None else self._patience.left())


class _Buffered(io.BufferedReader):
    """What came and was not read yet."""

    def close(self) -> None:
        """Nothing: ``http.client`` closes its file behind each answer."""
