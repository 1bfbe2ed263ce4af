# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Connections with a rule on where they may end, and a time after which they are cut.

For requests to addresses that somebody else chose: the address that is judged is the one connected to, so a name that
resolves to something else the next time gains nothing, and TLS still checks the name. urllib3's own time limits start
anew with every byte; the cut is what ends an answer that drips.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from trustpub.errors import Unreachable
from trustpub.printable import printable

Judge = Callable[[str, str], str | None]
"""Of a host and one of its addresses: why not to connect there, as a clause; None: go ahead."""


@dataclass(slots=True)
class Deadline:
    """As a context: whatever is connected inside it is cut after ``seconds``."""

    seconds: float
    expired: bool = False
    _until: float = 0.0
    _timer: threading.Timer | None = None
    _watched: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._until = time.monotonic() + self.seconds
        self._timer = threading.Timer(self.seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            for one in self._watched:
                one.close()
            self._watched.clear()

    def left(self) -> float:
        """Seconds until the cut; a little more than nothing once it is over, for 0 would mean not to block."""
        return max(0.001, self._until - time.monotonic())

    def watch(self, connection: socket.socket) -> None:
        """Have this connection cut as well."""
        with self._lock:
            # A second handle of it: TLS takes the first one away, and a shutdown holds for both.
            self._watched.append(connection.dup())
        if self.expired:
            self._cut()

    def _cut(self) -> None:
        self.expired = True
        with self._lock:
            for one in self._watched:
                with contextlib.suppress(OSError):  # the other side was faster
                    one.shutdown(socket.SHUT_RDWR)


class _Dialled(HTTPConnection):
    """A connection that dials by itself. Its classes are made by :func:`limit`."""

    judge: ClassVar[Judge | None] = None
    deadline: ClassVar[Deadline]
    _judged = False

    def _new_conn(self) -> socket.socket:
        try:
            connected = self._dial()
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        self.deadline.watch(connected)
        self._judged = True
        return connected

    def connect(self) -> None:
        super().connect()
        if not self._judged:  # urllib3 found another way to connect than it has today
            self.close()
            raise Unreachable(f"{printable(self.host)} was reached on a way that is not checked.")

    def _dial(self) -> socket.socket:
        """The first address that may be, and can be, connected to."""
        judge = type(self).judge
        host = self._dns_host.strip("[]")
        objection: str | None = None
        failure: OSError | None = None
        for *_, address in socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM):
            where = str(address[0])
            if judge is not None and (why := judge(host, where)) is not None:
                objection = f"{printable(host)} is not asked: its address {where} {why}."
                continue
            try:
                return create_connection(
                    (where, int(address[1])), self.deadline.left(), self.source_address, self.socket_options
                )
            except OSError as error:
                failure = error
        if failure is None and objection is not None:
            raise Unreachable(objection)
        raise failure or OSError("the name has no address")


class _DialledTls(_Dialled, HTTPSConnection):
    """The same with TLS, which checks the certificate against the name as ever."""


def limit(pools: PoolManager, deadline: Deadline, judge: Judge | None) -> PoolManager:
    """Have every connection of ``pools`` judged, where there is a ``judge``, and cut at the ``deadline``."""
    rules = {"judge": None if judge is None else staticmethod(judge), "deadline": deadline}
    plain = type("Plain", (HTTPConnectionPool,), {"ConnectionCls": type("PlainOne", (_Dialled,), rules)})
    tls = type("Tls", (HTTPSConnectionPool,), {"ConnectionCls": type("TlsOne", (_DialledTls,), rules)})
    pools.pool_classes_by_scheme = {"http": plain, "https": tls}
    return pools
