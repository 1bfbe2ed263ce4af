# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The one way out to the network.

What holds for every request: HTTPS, except to this machine itself and to the metadata server of a cloud, which is part
of it; no redirect is followed, because a token would go along; an answer has a size it may not exceed; whatever goes
wrong is an :class:`~trustpub.errors.Unreachable` that names the host, and neither the rest of the URL nor a header.
urllib3 is loaded with the first request.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, cast
from urllib.parse import SplitResult, unquote, urlsplit

from trustpub import __version__
from trustpub.addresses import is_local_name, is_loopback, literal
from trustpub.errors import Misuse, Unreachable
from trustpub.printable import printable

if TYPE_CHECKING:
    import ssl

    import urllib3

CONNECT_SECONDS = 15.0
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


class Readable(Protocol):
    """What an open body offers."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""


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
class Roots:
    """The certificates that are believed."""

    path: str | None
    """A PEM file or a folder as OpenSSL wants it; None for the system's."""
    told: str
    """Where they come from, in words."""
    text: str | None = None
    """The certificates themselves (PEM), instead of a path."""


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


def roots(ca: str | None, env: Mapping[str, str]) -> Roots:
    """The roots to believe: ``ca``, else what the environment names, else the system's.

    Raises:
        Misuse: the file or folder named does not exist.
    """
    named = [("--ca", ca)]
    named += [(name, env.get(name)) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")]
    for source, path in named:
        if not path:
            continue
        if not os.path.exists(path):
            raise Misuse(f"{source} names {printable(path)}, which does not exist.")
        return Roots(path=path, told=f"{printable(path)} (from {source})")
    return Roots(path=None, told="the system's")


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
        ca_text: str | None = None,
        read_seconds: float = READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        source_address: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        """``env`` is looked at for roots and proxies; ``ca`` is a PEM file or folder that goes before it.

        ``ca_text``: certificates (PEM) that go before all of these.

        ``source_address`` is the one of this machine's addresses that others see; None: the usual one.

        Raises:
            Misuse: the roots named do not exist.
        """
        self._env = env
        given = None if ca_text is None else Roots(path=None, told="those given for this host", text=ca_text)
        self._roots = given or roots(ca, env)
        self._limits = limits
        self._read_seconds = read_seconds
        self._sleep = sleep
        self._source_address = source_address
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._context: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def connect(self, url: str) -> None:
        """Have one more connection ready for requests to where ``url`` is; nothing is sent, and no failure is told."""
        import urllib3.exceptions

        parts = split(url)
        if self._proxy(parts) is not None or self._limits is not None:
            return  # a tunnel, or a watched connection, is made with its request
        pool = self._pool(parts).connection_from_url(parts.geturl())
        try:
            connection = pool._get_conn()  # noqa: SLF001 - urllib3 has no other way to a connection without a request
            try:
                connection.timeout = CONNECT_SECONDS
                if connection.is_closed:
                    connection.connect()
            finally:
                pool._put_conn(connection)  # noqa: SLF001
        except (urllib3.exceptions.HTTPError, OSError):
            return

    def close(self) -> None:
        """Let go of all connections."""
        for pool in self._pools.values():
            pool.clear()

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
            except _Passing:
                self._sleep(_pause(attempt, None))
                continue
            if response.status not in BUSY:
                return response
            self._sleep(_pause(attempt, response.headers.get("retry-after")))
        try:
            return self._once(asked)
        except _Passing as failure:
            raise Broken(failure.message, hint=failure.hint) from None

    def _once(self, asked: _Asked) -> Response:
        import urllib3.exceptions

        try:
            if asked.body is None or isinstance(asked.body, bytes):
                return self._exchange(asked, asked.body)
            with asked.body.open() as opened:
                return self._exchange(asked, opened)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _failure(asked.parts, error, self._roots, self._proxy(asked.parts)) from None

    def _judge_unseen(self, parts: SplitResult) -> None:
        """Behind a proxy only the name can be judged: the proxy resolves it, and says not to what."""
        if self._limits is None or self._proxy(parts) is None:
            return
        host = parts.hostname or ""
        why = self._limits.judge(host, host) if literal(host) or is_local_name(host) else None
        if why is not None:
            raise Unreachable(f"{printable(host)} is not asked: it {why}.")

    def _exchange(self, asked: _Asked, body: bytes | Readable | None) -> Response:
        if self._limits is None:
            return self._answer(asked, body, self._pool(asked.parts))
        import urllib3.exceptions

        from trustpub.dialling import Deadline, limit

        judge = self._limits.judge if self._proxy(asked.parts) is None else None
        with Deadline(self._limits.seconds) as deadline:
            pool = limit(self._new_pool(asked.parts), deadline, judge)
            try:
                response = self._answer(asked, body, pool)
            except (urllib3.exceptions.HTTPError, OSError):
                if deadline.expired:
                    raise TimeoutError from None
                raise
            finally:
                pool.clear()
            if deadline.expired:  # what was cut may look like an end
                raise TimeoutError
            return response

    def _answer(self, asked: _Asked, body: bytes | Readable | None, pool: urllib3.PoolManager) -> Response:
        import urllib3

        answer = pool.request(
            asked.method,
            asked.parts._replace(fragment="").geturl(),
            headers=asked.headers,
            body=cast("IO[bytes] | bytes | None", body),  # urllib3 only ever calls read(size)
            # Nobody who waits little for an answer means to wait longer for the connection.
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, asked.read_seconds), read=asked.read_seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        # Not decoded: we ask for no compression, and a bomb sent all the same stays small.
        content = answer.read(asked.max_bytes + 1, decode_content=False)
        where = _authority(asked.parts)
        if len(content) > asked.max_bytes:
            answer.close()
            raise Unreachable(f"{where} answers with more than {asked.max_bytes} bytes, which is not read.")
        answer.release_conn()
        received = {name.lower(): answer.headers[name] for name in answer.headers}
        if answer.status in _REDIRECTS:
            raise _redirected(where, answer.status, received.get("location"))
        return Response(status=answer.status, reason=answer.reason or "", headers=received, body=content)

    def _pool(self, parts: SplitResult) -> urllib3.PoolManager:
        key = self._proxy(parts) or parts.scheme
        if key not in self._pools:
            self._pools[key] = self._new_pool(parts)
        return self._pools[key]

    def _new_pool(self, parts: SplitResult) -> urllib3.PoolManager:
        import urllib3

        proxy = self._proxy(parts)
        # 64 KiB blocks: the default of 16 KiB costs a large wheel four times the calls.
        kept: dict[str, Any] = {"num_pools": 8, "maxsize": 16, "blocksize": 65536}
        if self._source_address is not None:
            kept["source_address"] = (self._source_address, 0)
        if parts.scheme == "https":
            kept["ssl_context"] = self._tls()
        return urllib3.PoolManager(**kept) if proxy is None else _proxy_pool(proxy, kept)

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            import ssl

            path = self._roots.path
            try:
                folder = path is not None and os.path.isdir(path)
                self._context = ssl.create_default_context(
                    cafile=None if folder else path, capath=path if folder else None, cadata=self._roots.text
                )
            except OSError:  # ssl.SSLError is one
                raise Misuse(f"No certificates (PEM) can be read from {self._roots.told}.") from None
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._context

    def _proxy(self, parts: SplitResult) -> str | None:
        # Only HTTPS goes through a proxy (as a tunnel). Loopback and the metadata server, the only ones asked by plain
        # HTTP, are others to a proxy, and it would see the token.
        host = parts.hostname or ""
        if parts.scheme == "http" or is_loopback(host):
            return None
        url = self._variable("https_proxy") or self._variable("all_proxy")
        if not url or _exempt(host, parts.port or 443, self._variable("no_proxy") or ""):
            return None
        return url if "://" in url else f"http://{url}"

    def _variable(self, name: str) -> str | None:
        return self._env.get(name) or self._env.get(name.upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One request, to be sent once or several times."""

    method: str
    parts: SplitResult
    headers: Mapping[str, str]
    body: bytes | Body | None
    max_bytes: int
    read_seconds: float


class _Passing(Exception):
    """A failure that another attempt may not meet."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _authority(parts: SplitResult) -> str:
    return printable(parts.netloc)


def _pause(attempt: int, retry_after: str | None) -> float:
    # RFC 9110 section 10.2.3; the other form, a date, is not worth a clock: the growing pause stands in.
    if retry_after and retry_after.strip().isascii() and retry_after.strip().isdigit():
        return min(float(retry_after), MAX_PAUSE_SECONDS)
    return min(0.5 * float(2**attempt), MAX_PAUSE_SECONDS)


def _exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names this host, a domain above it, or everything."""
    for entry in no_proxy.lower().split(","):
        name = entry.strip().lstrip(".")
        if name == "*" or (name and (name in (host, f"{host}:{port}") or host.endswith("." + name))):
            return True
    return False


def _proxy_pool(proxy: str, kept: Mapping[str, Any]) -> urllib3.PoolManager:
    import urllib3

    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misuse(
            "The proxy in HTTPS_PROXY or ALL_PROXY is not an http:// or https:// one.",
            hint="Other kinds are not supported; name the index's host in NO_PROXY to go without.",
        )
    headers = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=pair)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(bare, proxy_headers=headers, proxy_ssl_context=kept["ssl_context"], **kept)


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


def _failure(parts: SplitResult, error: Exception, believed: Roots, proxy: str | None) -> Exception:
    """The sentence for what urllib3 or the system raised. TLS failures are final; the others may pass."""
    import ssl

    from urllib3 import exceptions

    where = _authority(parts)
    if isinstance(error, exceptions.ProxyError):
        via = printable(urlsplit(proxy or "").hostname or "?")
        return _Passing(f"{where} cannot be reached through the proxy {via}.", "Look at HTTPS_PROXY and NO_PROXY.")
    cause = error.args[-1] if error.args and isinstance(error.args[-1], Exception) else error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unreachable(
            f"The certificate of {where} is not trusted: {printable(cause.verify_message)}. "
            f"The roots used are {believed.told}.",
            hint="If this host has a certificate authority of its own, name its PEM file with --ca, "
            "or in SSL_CERT_FILE or REQUESTS_CA_BUNDLE.",
        )
    if isinstance(error, exceptions.SSLError) or isinstance(cause, ssl.SSLError):
        reason = printable(str(getattr(cause, "reason", None) or "the handshake failed").replace("_", " ").lower())
        return Unreachable(f"No TLS connection to {where}: {reason}. The roots would be {believed.told}.")
    return _Passing(f"{where} {_why(error, cause)}.")


def _why(error: Exception, cause: BaseException) -> str:
    from urllib3 import exceptions

    if isinstance(error, exceptions.NameResolutionError):
        return "cannot be reached: its name does not resolve"
    if isinstance(error, exceptions.NewConnectionError):  # urllib3 makes it a ConnectTimeoutError, too
        reason = cause.strerror if isinstance(cause, OSError) else None
        return f"cannot be reached: {(reason or 'the connection failed').lower()}"
    if isinstance(error, exceptions.ConnectTimeoutError):
        return "cannot be reached: it takes no connection"
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return "does not answer in time"
    if isinstance(error, exceptions.LocationParseError | exceptions.InvalidHeader):
        return "cannot be asked: the request is malformed"
    return "broke off the connection"
