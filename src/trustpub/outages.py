# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What went wrong on the way to a host, as a sentence that says what to do about it.

A sentence has the name of the host, and neither the rest of the URL nor a header. Some failures another attempt may
not meet (:class:`Passing`); that a certificate is not trusted is final, as is what a proxy refuses.
"""

from __future__ import annotations

import socket
import ssl

from trustpub.errors import Unreachable
from trustpub.printable import printable
from trustpub.proxies import Proxy
from trustpub.roots import Roots

# Of X509_verify_cert in OpenSSL; these never change.
_EXPIRED = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 63, 64})


class Passing(Exception):
    """A failure that another attempt may not meet."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotConnected(OSError):
    """No connection could be made. The cause is the exception that it is raised from."""


class NotThroughProxy(OSError):
    """The proxy could not be reached, or makes no tunnel to the host."""

    def __init__(self, why: str, *, status: int | None = None) -> None:
        """``why``: a clause, printable. ``status``: what the proxy answered, if it did."""
        super().__init__(why)
        self.why = why
        self.status = status


class NoHttp(OSError):
    """What came is no answer in HTTP/1.1 (a clause says why), or what should be sent cannot be."""


def sentence(where: str, error: OSError, believed: Roots, proxy: Proxy | None) -> Unreachable | Passing:
    """The sentence for ``error``, met on the way to ``where``, a host and port fit to be shown."""
    if isinstance(error, NotThroughProxy) and proxy is not None:
        return _of_the_proxy(where, error, proxy)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(where, error, believed, proxy)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLZeroReturnError | ssl.SSLEOFError):
        reason = printable(str(error.reason or "the handshake failed").replace("_", " ").lower())
        return Unreachable(f"No TLS connection to {where}: {reason}. The roots would be {believed.told}.")
    return Passing(f"{where} {why(error)}.")


def why(error: OSError) -> str:
    """What a failure of the network is, as a clause about the host."""
    if isinstance(error, NoHttp):
        return str(error)
    if isinstance(error, NotConnected):
        cause = error.__cause__
        if isinstance(cause, socket.gaierror):
            return "cannot be reached: its name does not resolve"
        if isinstance(cause, TimeoutError):
            return "cannot be reached: it takes no connection"
        reason = cause.strerror if isinstance(cause, OSError) else None
        return f"cannot be reached: {(reason or 'the connection failed').lower()}"
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    return "broke off the connection"


def _of_the_proxy(where: str, error: NotThroughProxy, proxy: Proxy) -> Unreachable | Passing:
    told = f"{where} cannot be reached through the proxy {proxy.told}: {error.why}."
    if error.status == 407:
        if proxy.credentials is None:
            hint = f"Give them in {proxy.source}, as http://NAME:PASSWORD@{proxy.told}; encode `@`, `:`, `/` and `%`."
        else:
            hint = f"Look at the name and the password in {proxy.source}; `@`, `:`, `/` and `%` in them are encoded."
        return Unreachable(told, hint=hint)
    hint = f"Look at {proxy.source} and NO_PROXY."
    if error.status is not None and 400 <= error.status < 500:
        return Unreachable(told, hint=hint)
    return Passing(told, hint)


def _untrusted(where: str, error: ssl.SSLCertVerificationError, believed: Roots, proxy: Proxy | None) -> Unreachable:
    told = (
        f"The certificate of {where} is not trusted: {printable(error.verify_message)}. "
        f"The roots used are {believed.told}."
    )
    if error.verify_code in _OTHER_NAME:
        return Unreachable(told, hint="It is for another host. Is the address right, and is it the host that answers?")
    if error.verify_code in _EXPIRED:
        return Unreachable(told, hint="Either it was not renewed in time, or the clock of this machine is wrong.")
    hint = (
        "If this host has a certificate authority of its own, name its PEM file with --ca, "
        "or in SSL_CERT_FILE or REQUESTS_CA_BUNDLE."
    )
    if proxy is not None:
        hint += (
            f" If the proxy {proxy.told} opens the connections it passes on, name the PEM file of its authority there."
        )
    return Unreachable(told, hint=hint)
