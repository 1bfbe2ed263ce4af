# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From a host's name to a connection: its addresses, the proxy before it, TLS.

There may be a rule on where a connection may end, for requests to addresses that somebody else chose: the address that
is judged is the one connected to, so a name that resolves to something else the next time gains nothing, and TLS still
checks the name.
"""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from trustpub import __version__
from trustpub.errors import Unreachable
from trustpub.outages import NoHttp, NotConnected, NotThroughProxy, why
from trustpub.printable import printable
from trustpub.proxies import Proxy
from trustpub.streams import Patience, Stream, TooLarge

if TYPE_CHECKING:
    from trustpub.wire import Connection

CONNECT_SECONDS = 15.0
"""For one address to take a connection, and for TLS with it."""
_MAX_PROXY_BYTES = 65536

_T = TypeVar("_T")

Judge = Callable[[str, str], str | None]
"""Of a host and one of its addresses: why not to connect there, as a clause; None: go ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where a connection goes."""

    host: str
    """A name or an address, without brackets."""
    port: int
    tls: bool
    proxy: Proxy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialler:
    """How connections are made."""

    tls: Callable[[str], ssl.SSLContext]
    """For a host; asked for only where there is TLS."""
    source_address: str | None = None
    """The one of this machine's addresses that others see; None: the usual one."""
    judge: Judge | None = None
    """Not asked about a proxy, nor about what a proxy resolves."""

    def connect(self, goal: Goal, patience: Patience) -> Connection:
        """A connection to ``goal``.

        Raises:
            Unreachable: it has no address that may be connected to.
            OSError: what :mod:`trustpub.outages` has a sentence for.
        """
        if goal.tls:
            self.tls(goal.host)  # certificates that cannot be read are told whether or not anybody answers
        proxy = goal.proxy
        if proxy is None:
            stream: Stream = self._dial(goal.host, goal.port, patience, self.judge)
        else:
            stream = self._tunnel(proxy, goal, patience)
        try:
            stream = self._secure(stream, goal.host, patience) if goal.tls else stream
            from trustpub.wire import Connection  # see Http.prepare

            return Connection(stream)
        except BaseException:
            stream.close()
            raise

    def _dial(self, host: str, port: int, patience: Patience, judge: Judge | None) -> socket.socket:
        """The first address of the host that may be, and can be, connected to."""
        objection: str | None = None
        failure: OSError | None = None
        try:
            # As bytes, which spares Python its tables of all the world's letters; a host is ASCII here.
            found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise NoHttp("cannot be asked: its name is not in ASCII (xn--…)") from None
        except socket.gaierror as error:
            raise NotConnected from error
        for family, _, protocol, _, address in found:
            where = str(address[0])
            if judge is not None and (clause := judge(host, where)) is not None:
                objection = f"{printable(host)} is not asked: its address {where} {clause}."
                continue
            try:
                return self._to(family, protocol, address, patience)
            except OSError as error:
                failure = error
        if failure is None and objection is not None:
            raise Unreachable(objection)
        raise NotConnected from failure

    def _to(self, family: int, protocol: int, address: object, patience: Patience) -> socket.socket:
        made = socket.socket(family, socket.SOCK_STREAM, protocol)
        try:
            made.settimeout(patience.left(CONNECT_SECONDS))
            if self.source_address is not None:
                made.bind((self.source_address, 0))
            made.connect(address)  # type: ignore[arg-type] # whatever getaddrinfo gave for this family
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            made.close()
            raise
        return made

    def _secure(self, stream: Stream, host: str, patience: Patience) -> Stream:
        """TLS on ``stream``, with a certificate for ``host``."""
        name = host.encode("ascii")  # as bytes, for the same reason as above
        if not isinstance(stream, socket.socket) or isinstance(stream, ssl.SSLSocket):
            return Nested(stream, self.tls(host), host, patience.left(CONNECT_SECONDS))
        made = self.tls(host).wrap_socket(stream, server_hostname=name, do_handshake_on_connect=False)
        try:
            made.settimeout(patience.left(CONNECT_SECONDS))
            made.do_handshake()
        except BaseException:
            made.close()
            raise
        return made

    def _tunnel(self, proxy: Proxy, goal: Goal, patience: Patience) -> Stream:
        """A tunnel to ``goal`` (RFC 9110 section 9.3.6)."""
        stream: Stream | None = None
        try:
            stream = self._dial(proxy.host, proxy.port, patience, None)
            if proxy.tls:
                stream = self._secure(stream, proxy.host, patience)
            from trustpub.wire import Connection

            asked = Connection(stream)
            where = f"[{goal.host}]:{goal.port}" if ":" in goal.host else f"{goal.host}:{goal.port}"
            answer = asked.exchange(
                "CONNECT", where, _headers(proxy, where), None, max_bytes=_MAX_PROXY_BYTES, patience=patience
            )
        except (OSError, TooLarge) as error:
            if stream is not None:
                stream.close()
            raise NotThroughProxy(_proxy_why(error)) from error
        if 200 <= answer.status < 300:
            return stream
        stream.close()
        raise NotThroughProxy(_proxy_refuses(answer.status, proxy), status=answer.status)


def _headers(proxy: Proxy, where: str) -> dict[str, str]:
    headers = {"Host": where, "User-Agent": f"trustpub/{__version__}"}
    if proxy.credentials is not None:
        pair = b64encode(proxy.credentials.reveal().encode()).decode()
        headers["Proxy-Authorization"] = f"Basic {pair}"
    return headers


def _proxy_why(error: OSError | TooLarge) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the proxy's own certificate is not trusted ({printable(error.verify_message)})"
    return f"it {why(error)}" if isinstance(error, OSError) else "it answers too much"


def _proxy_refuses(status: int, proxy: Proxy) -> str:
    if status == 407:
        known = proxy.credentials is not None
        return (
            "it does not take the name and the password given (407)"
            if known
            else "it wants a name and a password (407)"
        )
    return f"it makes no connection to it ({status})"


class Nested:
    """TLS inside of TLS, to a host behind a proxy that is spoken to over TLS: a :class:`~trustpub.streams.Stream`."""

    def __init__(self, outer: Stream, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """``outer``: the connection to the proxy. ``seconds``: for the handshake."""
        self._outer = outer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        outer.settimeout(seconds)
        self._through(self._tls.do_handshake)

    def recv(self, size: int, /) -> bytes:
        """As that of a socket."""
        try:
            return self._through(lambda: self._tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def sendall(self, content: bytes, /) -> None:
        """As that of a socket."""
        left = memoryview(content)
        while left:
            sent = self._through(lambda piece=left: self._tls.write(piece))  # type: ignore[misc]
            left = left[sent:]

    def settimeout(self, seconds: float, /) -> None:
        """For each step of a call."""
        self._outer.settimeout(seconds)

    def close(self) -> None:
        """Let go of both connections."""
        self._outer.close()

    def _through(self, step: Callable[[], _T]) -> _T:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                came = self._outer.recv(65536)
                if came:
                    self._in.write(came)
                else:
                    self._in.write_eof()
                continue
            self._flush()
            return done

    def _flush(self) -> None:
        if self._out.pending:
            self._outer.sendall(self._out.read())
