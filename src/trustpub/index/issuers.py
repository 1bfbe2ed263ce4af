# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which issuers an index may be told to believe, and by which keys."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from trustpub.errors import Misuse
from trustpub.printable import quoted

_HOST = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*\.?\Z"
)
"""A DNS name; its last label is no number, for ``127.1`` is an address to some resolvers."""


def check_url(url: str, *, rehearsal: bool) -> None:
    """That ``url`` can be an issuer of this index, spelled as its ``iss``.

    Raises:
        Misuse: it cannot.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Misuse(f"The issuer {quoted(url)} is not a URL.") from None
    own = _is_own(host)
    if not url.isascii() or not url.isprintable() or " " in url or not (_HOST.match(host) or _address(host)):
        raise Misuse(f"The issuer {quoted(url)} is not a URL with a host.")
    if parts.query or parts.fragment or "@" in parts.netloc or url.endswith(("?", "#")):
        raise Misuse(f"The issuer {quoted(url)} has a user, a query or a fragment, which no issuer has.")
    if own and not rehearsal:
        raise Misuse(
            f"The issuer {quoted(url)} is on this machine or under .test, which only a rehearsal believes.",
            hint="A rehearsal is an index whose folder was made with: trustpub serve --rehearsal",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and own and _is_loopback(host)):
        raise Misuse(
            f"The issuer {quoted(url)} does not start with https://.",
            hint="Its keys could be exchanged on the way.",
        )


def check_jwks(jwks: Mapping[str, Any]) -> None:
    """That a key set (RFC 7517 section 5) holds public keys with ids, and nothing that must stay private.

    Raises:
        Misuse: it does not.
    """
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise Misuse('The key set is not {"keys": […]} with at least one key.')
    if any("d" in key or "k" in key for key in keys):
        raise Misuse(
            "The key set holds a private or a shared key.",
            hint="Give the public part only, and consider that key as lost.",
        )
    ids = [key.get("kid") for key in keys]
    if not all(isinstance(kid, str) and kid for kid in ids) or len(set(ids)) != len(ids):
        raise Misuse("The keys of the set do not all have an id (`kid`) of their own.")
    if any(key.get("kty") not in ("RSA", "EC") for key in keys):
        raise Misuse("The key set holds a key that is neither of kind RSA nor EC.")


def check_ca(ca: str) -> None:
    """That ``ca`` holds certificates in PEM form, and nothing that must stay private.

    Raises:
        Misuse: it does not.
    """
    from cryptography import x509

    if "PRIVATE KEY" in ca:
        raise Misuse("The file of certificates holds a private key.", hint="Give the certificates only.")
    try:
        x509.load_pem_x509_certificates(ca.encode())
    except ValueError:
        raise Misuse("The file of certificates holds no certificate in PEM form.") from None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and (mapped.is_loopback or mapped.is_unspecified)


def _is_own(host: str) -> bool:
    """Whether no issuer of the real world is there: this machine, and names reserved for tests (RFC 6761)."""
    name = host.rstrip(".").lower()
    return _is_loopback(host) or name == "test" or name.endswith(".test")
