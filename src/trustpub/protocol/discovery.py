# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How a client finds the exchange of an index from its upload URL (PEP 807, discovery).

The path of the upload URL is the key: ``https://index.example/legacy/`` is looked up at
``https://index.example/.well-known/pytp?discover=%2Flegacy%2F``. Both sides are here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from trustpub.protocol.exchange import AUDIENCE_PATH, FEATURES, MINT_PATH, MULTI_USE, BadBody, read_object
from trustpub.protocol.paths import UPLOAD_PATH

DISCOVERY_PATH = "/.well-known/pytp"
PARAMETER = "discover"
UPLOAD_KEYS = frozenset({UPLOAD_PATH, UPLOAD_PATH.rstrip("/")})
"""Paths of upload URLs that lead to the upload here; the second one by a redirect."""
SIGSTORE = "sigstore-trust-config"
"""The member that names the index's own Sigstore: ours, not PEP 807's, whose readers pass over what they do not know.

Its value is a URL on the index, of a ``ClientTrustConfig`` in Sigstore's JSON.
"""
SIGSTORE_PATH = "/.well-known/sigstore-trust-config.json"
"""Where an index of ours has that configuration."""
_MAX_PARAMETERS = 20
_URL = re.compile(r"[!-~]{1,2000}\Z")
_MAX_FEATURES = 100


class BadQuery(ValueError):
    """A query that asks for no key, or for several. The message is a sentence, without any value from the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Where the exchange is, and what it can do."""

    audience_url: str
    mint_url: str
    features: tuple[str, ...] = ()
    """As told: an index may say nothing."""
    default_features: tuple[str, ...] = (MULTI_USE,)
    sigstore: str | None = None
    """Where the index has the trust configuration of the Sigstore instance that it wants attestations from."""

    def body(self) -> dict[str, Any]:
        """The members that PEP 807 names, and :data:`SIGSTORE` where there is one."""
        extra = {} if self.sigstore is None else {SIGSTORE: self.sigstore}
        return {
            "audience-endpoint": self.audience_url,
            "token-mint-endpoint": self.mint_url,
            "features": list(self.features),
            "default-features": list(self.default_features),
            **extra,
        }


def offer(public_url: str, *, sigstore: bool = False) -> Discovery:
    """What an index at ``public_url`` (scheme, host and port) says of itself.

    ``sigstore``: it names an instance of Sigstore, whose configuration is at :data:`SIGSTORE_PATH`.
    """
    return Discovery(
        audience_url=public_url + AUDIENCE_PATH,
        mint_url=public_url + MINT_PATH,
        features=tuple(reversed(FEATURES)),
        sigstore=public_url + SIGSTORE_PATH if sigstore else None,
    )


def asked_key(query: bytes) -> str:
    """The path that a query asks about: form rules, decoded once, and an empty path is one too.

    Raises:
        BadQuery: it is missing or given twice.
    """
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise BadQuery(f"The query has more than {_MAX_PARAMETERS} parameters.") from None
    keys = [value for name, value in pairs if name == PARAMETER]
    if not keys:
        raise BadQuery(f"The parameter {PARAMETER} is missing: the path of the upload URL, percent-encoded.")
    if len(keys) > 1:
        raise BadQuery(f"The parameter {PARAMETER} is given more than once.")
    return keys[0]


def discovery_key(upload_url: str) -> str:
    """The path of ``upload_url`` with everything percent-encoded that is not unreserved (RFC 3986)."""
    return quote(urlsplit(upload_url).path, safe="")


def discovery_url(upload_url: str) -> str:
    """Where to ask about ``upload_url``."""
    parts = urlsplit(upload_url)
    return f"{parts.scheme}://{parts.netloc}{DISCOVERY_PATH}?{PARAMETER}={discovery_key(upload_url)}"


def read_discovery(body: bytes, upload_url: str, *, plain: Callable[[str], bool]) -> Discovery:
    """What an index answered about ``upload_url``.

    Args:
        body: of the answer.
        upload_url: the one a person gave, which alone is trusted.
        plain: whether a host may be spoken to without TLS: those of this machine, or trusted for another reason.

    Raises:
        BadBody: a member is missing or has the wrong type, or a URL leads to another host, is not https, or is more
            than an address.
    """
    document = read_object(body)
    host = urlsplit(upload_url).hostname
    urls = {name: _url(document, name, host, plain) for name in ("audience-endpoint", "token-mint-endpoint")}
    return Discovery(
        audience_url=urls["audience-endpoint"],
        mint_url=urls["token-mint-endpoint"],
        features=_names(document, "features", ()),
        default_features=_names(document, "default-features", (MULTI_USE,)),
        sigstore=_url(document, SIGSTORE, host, plain) if SIGSTORE in document else None,
    )


def _url(document: Mapping[str, Any], name: str, host: str | None, plain: Callable[[str], bool]) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise BadBody(f"{name}: is missing or not a string")
    if not _URL.match(value):  # urlsplit would drop a line break without a word
        raise BadBody(f"{name}: is not a URL of printable ASCII characters")
    try:
        parts = urlsplit(value)
        found, _ = parts.hostname, parts.port
    except ValueError:
        raise BadBody(f"{name}: is not a URL") from None
    if found is None or found != host:
        raise BadBody(f"{name}: is not on the host of the upload URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and plain(found)):
        raise BadBody(f"{name}: does not start with https://")
    if "@" in parts.netloc or parts.fragment:
        raise BadBody(f"{name}: has a user, a password or a fragment in it")
    return value


def _names(document: Mapping[str, Any], name: str, absent: tuple[str, ...]) -> tuple[str, ...]:
    value = document.get(name, list(absent))
    if not isinstance(value, list) or len(value) > _MAX_FEATURES or not all(isinstance(one, str) for one in value):
        raise BadBody(f"{name}: is not a list of strings")
    return tuple(value)
