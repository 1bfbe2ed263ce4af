# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which proxy stands between here and a host, as the environment says it.

Only HTTPS goes through a proxy, as a tunnel (RFC 9110 section 9.3.6): the proxy learns a name and a port, and nothing
else. Plain HTTP is for this machine and for the metadata server of a cloud, which are others to a proxy, and it would
read the token; so ``HTTP_PROXY`` changes nothing, and loopback never goes through one.

``HTTPS_PROXY`` goes before ``ALL_PROXY``, and the lower case of each before the upper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from trustpub.addresses import is_loopback
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.secret import Secret

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy that makes tunnels."""

    host: str
    port: int
    tls: bool
    """Whether the proxy itself is spoken to over TLS."""
    credentials: Secret | None = field(default=None, repr=False)
    """``name:password``, for the basic scheme (RFC 7617)."""
    source: str
    """The variable that names it."""

    @property
    def told(self) -> str:
        """Host and port, for a sentence."""
        return printable(f"{self.host}:{self.port}")


def choose(parts: SplitResult, env: Mapping[str, str]) -> Proxy | None:
    """The proxy for a URL; None: none.

    Raises:
        Misuse: what the environment names is no proxy that we can use.
    """
    host = parts.hostname or ""
    if parts.scheme != "https":
        return None
    source, url = _first(env, "https_proxy", "all_proxy")
    if not url or is_loopback(host):
        return None
    if exempt(host, parts.port or _PORTS["https"], _first(env, "no_proxy")[1]):
        return None
    return _read(source, url)


def exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names this host, a domain above it, its network (``10.0.0.0/8``), or everything (``*``).

    Entries are separated by commas; a name may have a dot before it and a port behind it.
    """
    name = host.rstrip(".").lower()
    for entry in no_proxy.lower().split(","):
        one = entry.strip().removeprefix("*.").lstrip(".")
        if one == "*" or (one and one in (name, f"{name}:{port}", f"[{name}]", f"[{name}]:{port}")):
            return True
        bare = one.removesuffix(f":{port}")
        if bare and name.endswith("." + bare):
            return True
        if "/" in one and _inside(name, one):
            return True
    return False


def _inside(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:  # a name is in no network
        return False


def _first(env: Mapping[str, str], *names: str) -> tuple[str, str]:
    for name in names:
        for spelled in (name, name.upper()):
            if env.get(spelled):
                return spelled, env[spelled]
    return "", ""


def _read(source: str, url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in _PORTS or not host:
        raise Misuse(
            f"The proxy in {source} is not an http:// or https:// one.",
            hint="Other kinds are not supported; name the index's host in NO_PROXY to go without.",
        )
    secret = None
    if parts.username is not None:
        secret = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return Proxy(
        host=host, port=port or _PORTS[parts.scheme], tls=parts.scheme == "https", credentials=secret, source=source
    )
