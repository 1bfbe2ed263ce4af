# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The socket on which an index listens, and who may reach it."""

from __future__ import annotations

import errno
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from trustpub.addresses import is_loopback
from trustpub.cli.wish import Wish
from trustpub.errors import Misuse
from trustpub.printable import printable


def check_exposure(wish: Wish) -> None:
    """
    Raises:
        Misuse: others could read tokens on their way.
    """
    host = wish.wanted.host
    if is_loopback(host) or wish.scheme == "https" or wish.wanted.trusted_proxies:
        return
    command = f"trustpub serve --data {shlex.quote(str(wish.data))} --host {shlex.quote(host)}"
    raise Misuse(
        f"On {host or 'every address'} others can reach the index, and without TLS they can read its tokens.",
        hint=f"With a certificate:\n  {command} --public-url https://HOST --tls-cert FILE --tls-key FILE\n"
        "Behind a proxy that has one:\n"
        f"  {command} --public-url https://HOST --trusted-proxy CIDR",
    )


@contextmanager
def bound(wish: Wish) -> Iterator[socket.socket]:
    """A socket on the wished address: bound here, so that the port is known, and taken, before anything is made.

    Raises:
        Misuse: it cannot be.
    """
    host, port = wish.wanted.host, wish.wanted.port
    try:
        infos = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise Misuse(f"{printable(host)!r} is no address of this machine.") from None
    family, kind, protocol, _, address = infos[0]
    with socket.socket(family, kind, protocol) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(2048)
        except OSError as error:
            raise _not_bound(wish, error) from None
        yield listening


def local_url(wish: Wish, listening: socket.socket) -> str | None:
    """Where it listens; None on every address."""
    if wish.wildcard:
        return None
    # pip 24 takes no certificate for an address.
    name = "localhost" if wish.wanted.host == "127.0.0.1" else wish.wanted.host
    port = listening.getsockname()[1]
    return f"{wish.scheme}://[{name}]:{port}" if ":" in name else f"{wish.scheme}://{name}:{port}"


def _not_bound(wish: Wish, error: OSError) -> Misuse:
    host, port = wish.wanted.host, wish.wanted.port
    if error.errno == errno.EADDRINUSE:
        return Misuse(
            f"Port {port} on {host} is taken by another program.",
            hint="Name another with --port, or take a free one with --port 0.",
        )
    if error.errno == errno.EACCES:
        return Misuse(f"Port {port} is not for everybody.", hint="Name one above 1023 with --port.")
    return Misuse(f"The index cannot listen on {host} port {port}: {error.strerror}.")
