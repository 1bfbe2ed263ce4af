# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A real CONNECT proxy on loopback, which may want a password, be spoken to over TLS, or open what passes through it.

It resolves names under ``.test`` by itself, as a proxy does that stands between a network and the world; nobody here
could reach them without it.
"""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trustpub.index.adapters.tls import DevTls, make


def authority(folder: Path, *hosts: str) -> DevTls:
    """A certificate authority of its own, and a certificate for these hosts."""
    return make(folder, list(hosts), time.time())


def serving(tls: DevTls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


@dataclass
class Proxy:
    """What it does, and what it was asked."""

    credentials: str | None = None
    """``name:password`` that it wants."""
    refuses: int | None = None
    """A status to answer instead."""
    tls: DevTls | None = None
    """Over TLS itself."""
    opens: Path | None = None
    """The folder of the authority with which it signs, on the fly, for every host that passes."""
    believes: Path | None = None
    """The roots with which it asks the host then."""
    asked: list[str] = field(default_factory=list)
    """Hosts and ports."""
    passed: bytearray = field(default_factory=bytearray)
    """What clients sent through it, as it saw it."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def serve(self, client: socket.socket, stack: contextlib.ExitStack) -> None:
        if self.tls is not None:
            client = stack.enter_context(serving(self.tls).wrap_socket(client, server_side=True))
        head = b""
        while b"\r\n\r\n" not in head:
            came = client.recv(65536)
            if not came:
                return
            head += came
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {one.partition(":")[0].lower(): one.partition(":")[2].strip() for one in lines[1:] if one}
        self.asked.append(target)
        if (status := self._status(method, headers)) != 200:
            client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno".encode())
            return
        host, _, port = target.rpartition(":")
        if not host.endswith(".test"):
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        there: socket.socket = socket.create_connection(("127.0.0.1", int(port)), 10)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.closing(there):
            if self.opens is None:
                self._pass(client, there)
                return
            context = ssl.create_default_context(cafile=str(self.believes))
            with (
                serving(authority(self.opens, host)).wrap_socket(client, server_side=True) as opened,
                context.wrap_socket(there, server_hostname=host) as onward,
            ):
                self._pass(opened, onward)

    def _status(self, method: str, headers: dict[str, str]) -> int:
        if method != "CONNECT":
            return 405
        if self.credentials is not None:
            wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
            if headers.get("proxy-authorization") != wanted:
                return 407
        return self.refuses or 200

    def _pass(self, client: socket.socket, there: socket.socket) -> None:
        other = {client: there, there: client}
        while True:
            for one in select.select([client, there], [], [], 20)[0]:
                while (came := _ready(one)) is not None:
                    if not came:
                        return
                    if one is client:
                        self.passed += came
                    other[one].settimeout(20)
                    other[one].sendall(came)


def _ready(one: socket.socket) -> bytes | None:
    one.settimeout(0)
    try:
        return one.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None


@contextlib.contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    """Until the end of the block."""
    listening = socket.create_server(("127.0.0.1", 0))
    proxy.port = listening.getsockname()[1]

    def one(client: socket.socket) -> None:
        # Who does not like a certificate, or is done, breaks off: that is what some tests are about.
        with contextlib.suppress(OSError), client, contextlib.ExitStack() as stack:
            proxy.serve(client, stack)

    def all_of_them() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=one, args=(client,), daemon=True).start()

    thread = threading.Thread(target=all_of_them, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
