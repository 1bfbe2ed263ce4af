# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The one way out to the network.

What holds for every request: HTTPS, except to this machine itself and to the metadata server of a cloud, which is part
of it; no redirect is followed, because a token would go along; an answer has a size it may not exceed; whatever goes
wrong is an :class:`~trustpub.errors.Unreachable` that names the host, and neither the rest of the URL nor a header.

    request ──> connections (kept) ──> dialling (proxies, TLS with its roots) ──> wire (http.client)

All of that is on Python's own ``ssl`` and ``http.client``, and loaded with the first request: a job waits for what it
loads, and the libraries around them take longer to load than the three requests of a mint (benchmarks/client.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import SplitResult, quote, urlsplit

from trustpub import __version__, proxies, roots
from trustpub.addresses import is_loopback
from trustpub.errors import Misuse, TrustpubError, Unreachable
from trustpub.printable import printable

if TYPE_CHECKING:
    import ssl

    from trustpub.connections import Connections
    from trustpub.dialling import Dialler, Goal
    from trustpub.streams import Patience
    from trustpub.wire import Answer, Connection, Readable

READ_SECONDS = 30.0
"""How long a server may be silent."""
MAX_ANSWER_BYTES = 1024 * 1024

BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that say: not now. Only these are worth asking again for."""
ATTEMPTS = 4
"""How often to try what may be repeated; for callers that ask for it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_PAUSE_SECONDS = 30.0
"""A longer ``Retry-After`` is cut to this: a job's minutes cost money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, read whole."""

    status: int
    reason: str
    """The reason phrase; empty where there is none (HTTP/2)."""
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the values joined by ``, ``."""
    body: bytes


class Body(Protocol):
    """A body too large for memory. It is opened anew for each attempt."""

    @property
    def length(self) -> int:
        """Bytes."""

    @property
    def content_type(self) -> str:
        """With its parameters."""

    def open(self) -> AbstractContextManager[Readable]:
        """The body from its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For requests to addresses that somebody else chose."""

    judge: Callable[[str, str], str | None]
    """Of a host and an address it has: why not to connect there, as a clause ("is a private address"); None: it may
    be. Where a proxy stands between, which resolves names by itself, the address is the host once more."""
    seconds: float
    """How long one answer may take in all, however it drips."""


def split(url: str, *, plain: bool = False) -> SplitResult:
    """The parts of a URL that may be asked. ``plain`` allows ``http`` to any host (see :meth:`Http.request`).

    Raises:
        Misuse: it is not ``https://host[:port]/…`` (or ``http`` on loopback), or has a user or a password in it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Misuse("There is a URL that cannot be read: its host or port is malformed.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Misuse("There is a URL that does not start with https:// and a host.")
    if "@" in parts.netloc:
        raise Misuse(f"The URL of {printable(host)} has a user or a password in it, which is not supported.")
    if parts.scheme == "http" and not plain and not is_loopback(host):
        raise Misuse(
            f"The URL of {printable(host)} starts with http://, over which anybody could read the token.",
            hint="Use https://. Plain HTTP is for this machine only (localhost, 127.0.0.1, ::1).",
        )
    return parts


class Broken(Unreachable):
    """No answer, for a reason that another attempt may not meet. What was asked for may have been done."""


class Redirected(Unreachable):
    """The answer is somewhere else, where nobody went."""


class Http:
    """Requests with one set of roots, proxies and kept connections. May be shared by threads."""

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        ca: str | None = None,
        ca_for: Collection[str] = (),
        ca_text: str | None = None,
        read_seconds: float = READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        source_address: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        """``env`` is looked at for roots and proxies; ``ca`` is a PEM file or folder that goes before it.

        ``ca_for``: the hosts that ``ca`` is for, while for all others the environment's roots or the system's are
        believed; empty: ``ca`` is for all. An index with an authority of its own and a CI with a public certificate
        are asked in the same job.

        ``ca_text``: certificates (PEM) that go before all of these.

        ``source_address`` is the one of this machine's addresses that others see; None: the usual one.

        Raises:
            Misuse: the roots named do not exist.
        """
        self._env = env
        self._roots = roots.choose(ca, env) if ca_text is None else roots.given(ca_text)
        self._ca_for = frozenset(ca_for) if ca else frozenset()
        self._limits = limits
        self._read_seconds = read_seconds
        self._sleep = sleep
        self._source_address = source_address
        self._contexts: dict[roots.Roots, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._kept: Connections | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        if self._kept is not None:
            self._kept.close()

    def connect(self, url: str) -> None:
        """Have one more connection ready for requests to where ``url`` is; nothing is sent, and no failure is told.

        Raises:
            Misuse: the URL may not be asked (see :func:`split`).
        """
        goal = self._goal(split(url))
        if self._limits is not None:
            return  # each request is judged anew, with a connection of its own
        try:
            made = self._dialler(None).connect(goal, self._patience(None))
        except (OSError, TrustpubError):  # the request that follows meets it again, and tells
            return
        self._connections().give(goal, made)

    def prepare(self, url: str, *, connections: int = 1) -> None:
        """:meth:`connect`, so many times, in threads of their own, while the caller does something else.

        The next requests there find the way open, or wait for it; one of them meets the failure, if there is one.

        Raises:
            Misuse: the URL may not be asked (see :func:`split`).
        """
        if self._limits is None:
            goal = self._goal(split(url))
            self._connections().prepare(
                goal, lambda goal: self._dialler(None).connect(goal, self._patience(None)), connections
            )
            # With it comes http.client, and with that the parser of e-mails: loaded while the other side answers.
            from trustpub import wire  # noqa: F401

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Body | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
        read_seconds: float | None = None,
        attempts: int = 1,
        plain: bool = False,
    ) -> Response:
        """Send one request and read the answer, whatever its status.

        ``attempts`` above one repeats the request, with growing pauses, when the connection fails or the status is
        in :data:`BUSY`; only for requests that may be repeated. The last answer is returned even if it is of these.
        ``plain`` allows plain HTTP to any host: only for the metadata server of a cloud, which the machine beneath
        answers itself and which has no certificate.

        Raises:
            Misuse: the URL may not be asked (see :func:`split`).
            Unreachable: no answer could be had (:class:`Broken` where another attempt may have one), it is larger than
                ``max_bytes``, or a redirect (:class:`Redirected`).
        """
        from trustpub.outages import Passing

        sent = {"User-Agent": f"trustpub/{__version__}", **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            sent |= {"Content-Type": body.content_type, "Content-Length": str(body.length)}
        asked = _Asked(
            method=method,
            parts=split(url, plain=plain),
            headers=sent,
            body=body,
            max_bytes=max_bytes,
            read_seconds=read_seconds or self._read_seconds,
        )
        self._judge_unseen(asked.parts)
        for attempt in range(1, attempts):
            try:
                response = self._once(asked)
            except Passing:
                self._sleep(_pause(attempt, None))
                continue
            if response.status not in BUSY:
                return response
            self._sleep(_pause(attempt, response.headers.get("retry-after")))
        try:
            return self._once(asked)
        except Passing as failure:
            raise Broken(failure.message, hint=failure.hint) from None

    def _once(self, asked: _Asked) -> Response:
        from trustpub.outages import sentence
        from trustpub.streams import TooLarge

        where = printable(asked.parts.netloc)
        try:
            if asked.body is None or isinstance(asked.body, bytes):
                answer = self._exchange(asked, asked.body)
            else:
                with asked.body.open() as opened:
                    answer = self._exchange(asked, opened)
        except TooLarge:
            raise Unreachable(f"{where} answers with more than {asked.max_bytes} bytes, which is not read.") from None
        except OSError as error:
            goal = self._goal(asked.parts)
            raise sentence(where, error, self._roots_of(goal.host), goal.proxy) from None
        if answer.status in _REDIRECTS:
            raise _redirected(where, answer.status, answer.headers.get("location"))
        return Response(status=answer.status, reason=answer.reason, headers=answer.headers, body=answer.body)

    def _judge_unseen(self, parts: SplitResult) -> None:
        """Behind a proxy only the name can be judged: the proxy resolves it, and says not to what."""
        host = parts.hostname or ""
        if self._limits is not None and proxies.choose(parts, self._env) is not None:
            objection = self._limits.judge(host, host)
            if objection is not None:
                raise Unreachable(f"{printable(host)} is not asked: it {objection}.")

    def _exchange(self, asked: _Asked, body: bytes | Readable | None) -> Answer:
        goal = self._goal(asked.parts)
        if self._limits is not None:
            return self._limited(asked, body, goal, self._limits)
        connection = self._connections().take(goal)
        if connection is None:
            connection = self._dialler(None).connect(goal, self._patience(asked))
        return self._over(connection, goal, asked, body)

    def _over(self, connection: Connection, goal: Goal, asked: _Asked, body: bytes | Readable | None) -> Answer:
        try:
            return asked.over(connection, body, self._patience(asked))
        finally:
            self._connections().give(goal, connection)

    def _limited(self, asked: _Asked, body: bytes | Readable | None, goal: Goal, limits: Limits) -> Answer:
        """On a connection of its own, for what was judged a while ago need not be so now."""
        from trustpub.streams import Patience

        patience = Patience(asked.read_seconds, time.monotonic() + limits.seconds)
        connection = self._dialler(limits.judge).connect(goal, patience)
        try:
            return asked.over(connection, body, patience)
        finally:
            connection.close()

    def _patience(self, asked: _Asked | None) -> Patience:
        from trustpub.streams import Patience

        return Patience(self._read_seconds if asked is None else asked.read_seconds)

    def _connections(self) -> Connections:
        from trustpub.connections import Connections

        with self._lock:
            if self._kept is None:
                self._kept = Connections()
            return self._kept

    def _dialler(self, judge: Callable[[str, str], str | None] | None) -> Dialler:
        from trustpub.dialling import Dialler

        return Dialler(tls=self._tls, source_address=self._source_address, judge=judge)

    def _goal(self, parts: SplitResult) -> Goal:
        from trustpub.dialling import Goal

        tls = parts.scheme == "https"
        return Goal(
            host=parts.hostname or "",
            port=parts.port or (443 if tls else 80),
            tls=tls,
            proxy=proxies.choose(parts, self._env),
        )

    def _roots_of(self, host: str) -> roots.Roots:
        if not self._ca_for or host in self._ca_for:
            return self._roots
        return roots.choose(None, self._env)

    def _tls(self, host: str) -> ssl.SSLContext:
        wanted = self._roots_of(host)
        with self._lock:  # who comes second waits for the first, instead of loading the same certificates
            if wanted not in self._contexts:
                self._contexts[wanted] = roots.context(wanted)
            return self._contexts[wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One request, to be sent once or several times."""

    method: str
    parts: SplitResult
    headers: Mapping[str, str]
    body: bytes | Body | None
    max_bytes: int
    read_seconds: float

    def over(self, connection: Connection, body: bytes | Readable | None, patience: Patience) -> Answer:
        """Send it, with ``body`` opened, and read the answer."""
        target = quote(self.parts.path or "/", safe=_TARGET)
        if self.parts.query:
            target += "?" + quote(self.parts.query, safe=_TARGET)
        headers = {"Host": self.parts.netloc, **self.headers}
        return connection.exchange(self.method, target, headers, body, max_bytes=self.max_bytes, patience=patience)


_TARGET = "".join(map(chr, range(0x21, 0x7F)))
"""What stands for itself in the target of a request; the rest is percent-encoded."""


def _pause(attempt: int, retry_after: str | None) -> float:
    # RFC 9110 section 10.2.3; the other form, a date, is not worth a clock: the growing pause stands in.
    if retry_after and retry_after.strip().isascii() and retry_after.strip().isdigit():
        return min(float(retry_after), MAX_PAUSE_SECONDS)
    return min(0.5 * float(2**attempt), MAX_PAUSE_SECONDS)


def _redirected(where: str, status: int, location: str | None) -> Redirected:
    try:
        target = urlsplit(location or "")
        # A Location may hold a secret in its query; a person needs only the way.
        shown = printable(f"{target.scheme}://{target.hostname}{target.path}" if target.hostname else target.path, 200)
    except ValueError:
        shown = "somewhere that cannot be read"
    return Redirected(
        f"{where} answers with a redirect ({status}) to {shown}. Redirects are not followed, because the "
        "token would go along.",
        hint="If that is where the index really is, give that address.",
    )
