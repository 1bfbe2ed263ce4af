# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a host or an address is, told without asking anybody: this machine, a private network, the public internet.

The tables are our own, from IANA's registries of special-purpose addresses (RFC 6890), because those of Python's
``ipaddress`` differ between its versions.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOCAL_SUFFIXES = ("local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa", "localhost")
"""Ends of names that mean something in one network only (RFC 6762 appendix G, RFC 8375, ICANN's ``.internal``)."""


def _networks(*texts: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")

_NEVER: Sequence[tuple[str, tuple[_Network, ...]]] = (
    (
        # Some of these are in ranges that may be allowed, and the last but one is in none at all.
        "is where a cloud hands out its credentials",
        _networks(
            "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::/32", "fd20:ce::254/128",
            "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
        ),
    ),
    ("is no address of a host", _networks("0.0.0.0/8", "::/128")),
    ("is a link-local address", _networks("169.254.0.0/16", "fe80::/10")),
    ("is a multicast address", _networks("224.0.0.0/4", "ff00::/8")),
    (
        "is a reserved address",
        _networks(
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ),
    ),
)  # fmt: skip
"""What no issuer is at, whatever anybody says."""

_PRIVATE: Sequence[tuple[str, tuple[_Network, ...]]] = (
    ("is this machine", _LOOPBACK),
    ("is a private address", _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    ("is an address shared inside a provider's network", _networks("100.64.0.0/10")),
)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL = ipaddress.IPv6Network("2000::/3")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: ``localhost``, a name under it, 127.0.0.0/8 or ::1, in whatever spelling."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = literal(name)
    return address is not None and any(address in network for network in _LOOPBACK)


def is_own(host: str) -> bool:
    """Whether nothing of the real world is there: this machine, and names reserved for tests (RFC 6761)."""
    name = host.rstrip(".").lower()
    address = literal(name)
    return is_loopback(name) or name.split(".")[-1] == "test" or (address is not None and address.is_unspecified)


def is_local_name(host: str) -> bool:
    """Whether ``host`` is a name (no address) that means something in one network only."""
    name = host.rstrip(".").lower()
    if literal(name) is not None:
        return False
    return "." not in name or name.endswith(tuple("." + suffix for suffix in _LOCAL_SUFFIXES))


def literal(host: str) -> _Address | None:
    """The address that ``host`` spells, brackets allowed; None if it is a name.

    An IPv4 address inside an IPv6 one, mapped (RFC 4291 section 2.5.5.2) or behind the well-known NAT64 prefix
    (RFC 6052 section 2.1), is the IPv4 address: that is where a connection ends.
    """
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # Without its scope, which membership in a network would stumble over.
    address = ipaddress.IPv6Address(int(address))
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def objection(address: str, *, private: bool) -> str | None:
    """Why nobody should be asked at ``address``, as a clause ("is a link-local address"); None: it may be.

    ``private`` allows this machine, private and shared addresses, and nothing else. A text that is no address is
    objected to as well.
    """
    known = literal(address)
    if known is None:
        return "is no address"
    for clause, networks in (*_NEVER, *(() if private else _PRIVATE)):
        if any(known in network for network in networks):
            return clause
    if known.version == 6 and known not in _GLOBAL and not _among(known, _PRIVATE):
        return "is a reserved address"
    return None


def _among(address: _Address, table: Sequence[tuple[str, tuple[_Network, ...]]]) -> bool:
    return any(address in network for _, networks in table for network in networks)
