# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Requests over connections that stay open, and what they cost the processes that answer them."""

from __future__ import annotations

import http.client
import os
import selectors
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beside.wheels import BOUNDARY, Wheel, form

CHUNK_BYTES = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one request."""

    cpu: float
    """Seconds of processor time of the server's processes."""
    wall: float
    """Seconds until the next one, with others under way."""
    length: int = 0
    """Bytes of an answer's body."""


class Meter:
    """Processor time and memory of a process, its children and theirs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def tree(self) -> list[int]:
        """All that live now."""
        parents: dict[int, int] = {}
        for place in Path("/proc").glob("[0-9]*"):
            words = _stat(int(place.name))
            if words:
                parents[int(place.name)] = int(words[1])
        found = [self.pid]
        for one in found:
            found += [child for child, parent in parents.items() if parent == one]
        return found

    def cpu(self) -> float:
        """Seconds so far, of the kernel for them too, and of children that have ended."""
        lines = [words for one in self.tree() if (words := _stat(one))]
        return sum(sum(map(int, words[11:15])) for words in lines) / _TICKS

    def resident(self) -> float:
        """Megabytes in memory."""
        return self._memory("VmRSS")

    def begin_peak(self) -> None:
        """From here on :meth:`peak` is told."""
        for one in self.tree():
            Path(f"/proc/{one}/clear_refs").write_text("5")

    def peak(self) -> float:
        """Megabytes in memory at the worst moment since :meth:`begin_peak`."""
        return self._memory("VmHWM")

    def _memory(self, line: str) -> float:
        found = 0
        for one in self.tree():
            for said in Path(f"/proc/{one}/status").read_text().splitlines():
                if said.startswith(f"{line}:"):
                    found += int(said.split()[1])
        return found / 1024


def _stat(pid: int) -> Sequence[str]:
    """From the state on: words 1, the parent; 11 to 14, processor time; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ()


def upload(port: int, path: str, headers: Mapping[str, str], wheels: Sequence[Wheel], meter: Meter) -> Cost:
    """One after the other over one connection, as every client does; the mean of their costs."""
    bodies = []
    for wheel in wheels:
        content = wheel.content
        head, tail = form(wheel, content)
        bodies.append((head + content + tail, wheel.path.name))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cpu, begun = meter.cpu(), time.perf_counter()
    for body, name in bodies:
        connection.request("POST", path, body, {**headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{name} was answered {answer.status} {answer.reason}: {said[:300]!r}")
    # What a server still does for an upload that it has answered is part of its cost.
    wall = time.perf_counter() - begun
    time.sleep(0.05)
    cost = Cost(cpu=(meter.cpu() - cpu) / len(bodies), wall=wall / len(bodies))
    connection.close()
    return cost


def get(port: int, path: str, headers: Mapping[str, str], meter: Meter, *, seconds: float, connections: int) -> Cost:
    """As fast as answers come for so long, and at least twice on each connection; the first answers do not count."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    asking = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: identity\r\n{lines}\r\n".encode()
    open_ = [_Connection(port, asking) for _ in range(connections)]
    for one in open_:
        one.ask()
        while not one.answered():
            pass
        if one.closes:
            one.reconnect()
    with selectors.DefaultSelector() as selector:
        for one in open_:
            selector.register(one.socket, selectors.EVENT_READ, one)
        cpu, begun, done, under_way = meter.cpu(), time.perf_counter(), 0, connections
        for one in open_:
            one.ask()
        while under_way:
            for ready, _ in selector.select():
                asked: _Connection = ready.data
                if not asked.answered():
                    continue
                done += 1
                if asked.closes:
                    selector.unregister(asked.socket)
                    asked.reconnect()
                    selector.register(asked.socket, selectors.EVENT_READ, asked)
                if time.perf_counter() - begun < seconds or done < 2 * connections:
                    asked.ask()
                else:
                    under_way -= 1
        wall, cpu = time.perf_counter() - begun, meter.cpu() - cpu
    for one in open_:
        one.socket.close()
    return Cost(cpu=cpu / done, wall=wall / done, length=open_[0].length)


class _Connection:
    """One that stays open, unless the server closes it, and how far the answer to the request under way has come."""

    def __init__(self, port: int, asking: bytes) -> None:
        self.length = 0
        self.closes = False
        """Whether the server ends it with this answer."""
        self._port = port
        self._asking = asking
        self._buffer = bytearray(CHUNK_BYTES)
        self._head = b""
        self._chunked = False
        self.socket = self._connected()

    def reconnect(self) -> None:
        """A new one in its place."""
        self.socket.close()
        self.socket, self.closes = self._connected(), False

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self) -> None:
        """Send the request."""
        self._head, self._taken, self.length = b"", 0, -1
        self.socket.sendall(self._asking)

    def answered(self) -> bool:
        """Take what is there; whether it is all."""
        count = self.socket.recv_into(self._buffer)
        if not count:
            raise SystemExit(f"A connection was closed in the answer to {self._asking[:60]!r}.")
        if self.length < 0:
            self._head += self._buffer[:count]
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return False
            self._read_head(head.lower())
            self._taken, self._end = len(body), body[-5:]
        else:
            self._taken += count
            self._end = (self._end + self._buffer[max(0, count - 5) : count])[-5:]
        if self._chunked:
            self.length = self._taken
            return self._end == b"0\r\n\r\n"
        return self._taken == self.length

    def _read_head(self, head: bytes) -> None:
        if not head.startswith(b"http/1.1 200 "):
            raise SystemExit(f"{self._asking[:60]!r} was answered {head[:200]!r}")
        self._chunked = b"\r\ntransfer-encoding: chunked" in head
        self.closes = b"\r\nconnection: close" in head
        value = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        if not value and not self._chunked:
            raise SystemExit(f"An answer does not say how long it is: {head[:200]!r}")
        self.length = int(value or 0)
