# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 (RFC 9112) on one connection: a request goes out, an answer is read whole.

As much of it as a job needs, and strict where a guess could be abused: an answer whose length is said twice and
differently, a head without end, a line that is no header are no answers. Written here because Python's ``http.client``
loads the parser of e-mails, which takes longer than the three requests of ``trustpub mint`` (benchmarks/client.py).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Protocol

from trustpub.outages import NoHttp

BLOCK = 65536
"""Bytes that are read or sent at a time."""
MAX_HEAD_BYTES = 65536
_MAX_LINE_BYTES = 4096
_MAX_INTERIM = 16
_NOT_HTTP = "does not answer in HTTP/1.1"
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Stream(Protocol):
    """What a connected socket offers, with or without TLS."""

    def recv(self, size: int, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""

    def sendall(self, content: bytes, /) -> None:
        """Send everything."""

    def settimeout(self, seconds: float, /) -> None:
        """How long a call may take; 0: raise at once instead of waiting."""

    def close(self) -> None:
        """Let go of it."""


class Readable(Protocol):
    """What an open body offers."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""


class TooLarge(Exception):
    """An answer with more bytes than are read."""


class Patience:
    """How long to wait: for each sign of the other side, and, where there is a limit to that, in all."""

    __slots__ = ("_silent", "_until")

    def __init__(self, silent: float, until: float | None = None) -> None:
        """``silent``: seconds. ``until``: on the monotonic clock."""
        self._silent = silent
        self._until = until

    def left(self, at_most: float | None = None) -> float:
        """Seconds that the next step may take, and no more than ``at_most``.

        Raises:
            TimeoutError: none are left.
        """
        seconds = self._silent if at_most is None else min(self._silent, at_most)
        if self._until is None:
            return seconds
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        return min(seconds, left)


class Answer:
    """An answer as it came. ``headers``: names in lower case; of a repeated one the values joined by ``, ``."""

    __slots__ = ("body", "headers", "reason", "status")

    def __init__(self, status: int, reason: str, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body


class Connection:
    """One connection to one server, for one request after the other. Not for several threads at once."""

    __slots__ = ("_buffer", "_stream", "idle_since", "reusable")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = bytearray()
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
            return not self._arrived()
        except OSError:
            return False

    def exchange(
        self, head: bytes, body: bytes | Readable | None, *, method: str, max_bytes: int, patience: Patience
    ) -> Answer:
        """Send a request, which ``head`` begins, and read its answer.

        Raises:
            TooLarge: the answer has more than ``max_bytes``.
            OSError: the connection broke, the time is over (TimeoutError), or it is no answer
                (:class:`~trustpub.outages.NoHttp`).
        """
        self.reusable = False  # until the whole exchange went well
        try:
            whole = self._send(head, body, patience)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError) as error:
            # A server that will not have the body may answer and close before it has it all.
            try:
                answer, _ = self._answer(method, max_bytes, patience)
            except OSError:
                raise error from None
            return answer
        answer, persists = self._answer(method, max_bytes, patience)
        self.reusable = persists and whole and not self._buffer
        return answer

    def _send(self, head: bytes, body: bytes | Readable | None, patience: Patience) -> bool:
        """Whether everything was sent; it was not if an answer came before the end."""
        if body is None or isinstance(body, bytes):
            # One packet where it fits into one.
            self._stream.settimeout(patience.left())
            self._stream.sendall(head + (body or b""))
            return True
        block = head + body.read(BLOCK)
        while block:
            self._stream.settimeout(patience.left())
            self._stream.sendall(block)
            block = body.read(BLOCK)
            if block and self._refused():
                return False
        return True

    def _refused(self) -> bool:
        """Whether a final answer is coming although the request is not over (RFC 9112 section 9.5)."""
        # One that says to go on (RFC 9110 section 15.2) begins with the digit 1.
        return self._arrived() and not self._buffer.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1"))

    def _arrived(self) -> bool:
        """Whether there is anything to read, or the end, without waiting."""
        # Not by asking whether the socket is readable: with TLS, what is there may be no more than a session ticket.
        self._stream.settimeout(0)
        try:
            came = self._stream.recv(BLOCK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return bool(self._buffer)
        if not came:
            raise ConnectionResetError("closed")
        self._buffer += came
        return True

    def _answer(self, method: str, max_bytes: int, patience: Patience) -> tuple[Answer, bool]:
        """The final answer, and whether the connection can stay open behind it."""
        for _ in range(_MAX_INTERIM):
            version, status, reason = self._status(patience)
            headers = self._headers(patience)
            if status == 101:
                raise NoHttp(_NOT_HTTP)
            if status >= 200:
                break
        else:
            raise NoHttp(_NOT_HTTP)
        persists = version == b"HTTP/1.1" and "close" not in _words(headers.get("connection", ""))
        if method == "HEAD" or status in (204, 304) or (method == "CONNECT" and status < 300):
            content = b""
        elif "transfer-encoding" in headers:
            if headers["transfer-encoding"].strip().lower() != "chunked":
                raise NoHttp(_NOT_HTTP)
            content = self._chunks(max_bytes, patience)
            persists = persists and "content-length" not in headers
        elif "content-length" in headers:
            content = self._exactly(_length(headers["content-length"]), max_bytes, patience)
        else:
            persists = False
            content = self._rest(max_bytes, patience)
        return Answer(status, reason, headers, content), persists

    def _status(self, patience: Patience) -> tuple[bytes, int, str]:
        line = self._line(patience, MAX_HEAD_BYTES)
        version, _, rest = line.partition(b" ")
        digits, _, reason = rest.partition(b" ")
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(digits) != 3 or not digits.isdigit() or digits < b"100":
            raise NoHttp(_NOT_HTTP)
        return version, int(digits), reason.decode("latin-1").strip()

    def _headers(self, patience: Patience) -> dict[str, str]:
        headers: dict[str, str] = {}
        name, left = "", MAX_HEAD_BYTES
        while line := self._line(patience, left):
            left -= len(line)
            if line[:1] in (b" ", b"\t") and name:  # obsolete line folding (RFC 9112 section 5.2)
                headers[name] += " " + line.strip().decode("latin-1")
                continue
            spelled, colon, value = line.partition(b":")
            if not colon or not spelled or not _TOKEN.issuperset(spelled):
                raise NoHttp(_NOT_HTTP)
            name = spelled.decode("ascii").lower()
            text = value.strip(b" \t").decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        return headers

    def _chunks(self, max_bytes: int, patience: Patience) -> bytes:
        content = bytearray()
        while True:
            size, _, _ = self._line(patience, _MAX_LINE_BYTES).partition(b";")
            digits = size.strip(b" \t")
            if not 0 < len(digits) <= 16 or not _HEX.issuperset(digits):
                raise NoHttp(_NOT_HTTP)
            length = int(digits, 16)
            if length == 0:
                self._headers(patience)  # trailers, which nobody needs
                return bytes(content)
            content += self._exactly(length, max_bytes - len(content), patience)
            if self._line(patience, _MAX_LINE_BYTES):
                raise NoHttp(_NOT_HTTP)

    def _exactly(self, length: int, max_bytes: int, patience: Patience) -> bytes:
        if length > max_bytes:
            raise TooLarge
        while len(self._buffer) < length:
            self._more(patience)
        content = bytes(memoryview(self._buffer)[:length])
        del self._buffer[:length]
        return content

    def _rest(self, max_bytes: int, patience: Patience) -> bytes:
        """All until the other side closes, as servers of old do."""
        while self._fill(patience):
            if len(self._buffer) > max_bytes:
                raise TooLarge
        content = bytes(self._buffer)
        self._buffer.clear()
        if len(content) > max_bytes:
            raise TooLarge
        return content

    def _line(self, patience: Patience, max_bytes: int) -> bytes:
        """The next line, without its end; a lone line feed ends one as well (RFC 9112 section 2.2)."""
        looked = 0
        while (end := self._buffer.find(b"\n", looked)) < 0:
            looked = len(self._buffer)
            if looked > max_bytes:
                raise NoHttp(_NOT_HTTP)
            self._more(patience)
        if end > max_bytes:
            raise NoHttp(_NOT_HTTP)
        line = bytes(memoryview(self._buffer)[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def _more(self, patience: Patience) -> None:
        if not self._fill(patience):
            raise ConnectionResetError("closed before the end of the answer")

    def _fill(self, patience: Patience) -> bool:
        """Wait for more; whether any came before the end."""
        self._stream.settimeout(patience.left())
        came = self._stream.recv(BLOCK)
        self._buffer += came
        return bool(came)


def head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The lines before the body, of a request whose parts are fit for them.

    Raises:
        NoHttp: they are not: a line break, say, would make two headers out of one.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not name.isascii() or not _TOKEN.issuperset(name.encode()) or not name:
            raise NoHttp(_UNFIT)
        lines.append(f"{name}: {value}")
    if any(one in line for line in lines for one in "\r\n\0") or " " in target:
        raise NoHttp(_UNFIT)
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError:
        raise NoHttp(_UNFIT) from None


_UNFIT = "cannot be asked: the request is malformed"


def _words(value: str) -> list[str]:
    return [one.strip().lower() for one in value.split(",")]


def _length(value: str) -> int:
    """Of a Content-Length, which may be said several times if it is always the same."""
    said = set(_words(value))
    digits = said.pop()
    if said or not 0 < len(digits) <= 18 or not digits.isascii() or not digits.isdigit():
        raise NoHttp(_NOT_HTTP)
    return int(digits)
