# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Public keys of issuers: given by the administrator, or fetched as OpenID Connect Discovery 1.0 describes.

Nothing in a token chooses what is fetched: only issuers that were registered are asked, at an address derived from
their URL, on their own host, without following anybody elsewhere.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from trustpub.errors import TrustpubError
from trustpub.http import Http, is_loopback
from trustpub.index.ports import Clock, Issuer, IssuerDown, NoSuchKey

SECONDS = 5.0
"""For each answer: a job is waiting, and a thread with it."""
MAX_DISCOVERY_BYTES = 100 * 1024
MAX_JWKS_BYTES = 1024 * 1024

FRESH_SECONDS = 3600
"""After this a set is fetched again before it is used."""
USABLE_SECONDS = 86_400
"""An issuer that cannot be asked is believed by its old keys this long, and no longer: they may have been revoked."""
COOLDOWN_SECONDS = 60
"""Between two requests to one issuer, however many unknown key ids are thrown at the index."""


@dataclass(slots=True)
class _Kept:
    """What is known of one issuer. Whoever holds the lock is the one who asks."""

    source: tuple[str, str | None]
    lock: Lock = field(default_factory=Lock)
    keys: Mapping[str, Mapping[str, Any]] | None = None
    fetched: float = float("-inf")
    asked: float = float("-inf")
    why: str = "it was not asked yet"


class JwksKeys:
    """:class:`trustpub.index.ports.Keys` over HTTP, with a cache in memory."""

    def __init__(self, *, env: Mapping[str, str], clock: Clock, rehearsal: bool = False) -> None:
        """``env``: for proxies and certificates. ``rehearsal``: keys may come over plain HTTP from loopback."""
        self._env = env
        self._clock = clock
        self._rehearsal = rehearsal
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def get(self, issuer: Issuer, kid: str) -> Mapping[str, Any]:
        if issuer.jwks is not None:
            key = _by_id(issuer.jwks).get(kid)
            if key is None:
                raise NoSuchKey
            return key
        kept = self._of(issuer)
        with kept.lock:
            self._refresh(issuer, kept, kid)
            if kept.keys is None or self._clock() - kept.fetched >= USABLE_SECONDS:
                raise IssuerDown(kept.why)
            if kid not in kept.keys:
                raise NoSuchKey
            return kept.keys[kid]

    def _of(self, issuer: Issuer) -> _Kept:
        # An issuer that got other certificates is asked anew: the old keys came from whom it trusts no more.
        source = (issuer.url, issuer.ca)
        with self._lock:
            kept = self._kept.get(issuer.url)
            if kept is None or kept.source != source:
                kept = self._kept[issuer.url] = _Kept(source=source)
            return kept

    def _refresh(self, issuer: Issuer, kept: _Kept, kid: str) -> None:
        """Ask the issuer if that is due: nothing is at hand, it is old, or this key is not in it."""
        now = self._clock()
        known = kept.keys is not None and kid in kept.keys
        if known and now - kept.fetched < FRESH_SECONDS:
            return
        if now - kept.asked < COOLDOWN_SECONDS:
            return
        kept.asked = now
        try:
            kept.keys = self._fetch(issuer)
            kept.fetched = now
        except IssuerDown as error:
            kept.why = str(error)

    def _fetch(self, issuer: Issuer) -> Mapping[str, Mapping[str, Any]]:
        try:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as ca:
                ca.write(issuer.ca or "")
                ca.flush()
                with Http(env=self._env, ca=ca.name if issuer.ca else None, read_seconds=SECONDS) as http:
                    document = _json(http, _discovery_url(issuer.url), MAX_DISCOVERY_BYTES)
                    keys = _by_id(_json(http, self._jwks_uri(issuer, document), MAX_JWKS_BYTES))
        except TrustpubError as error:
            raise IssuerDown(error.message) from None
        if not keys:
            raise IssuerDown("the issuer's key set is empty")
        return keys

    def _jwks_uri(self, issuer: Issuer, document: Mapping[str, Any]) -> str:
        """The address of the keys, which must be the issuer's own (RFC 8725 section 3.10)."""
        if document.get("issuer") != issuer.url:
            raise IssuerDown("its discovery document is that of another issuer")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str):
            raise IssuerDown("its discovery document names no key set")
        try:
            own, parts = urlsplit(issuer.url), urlsplit(uri)
            same = (parts.hostname, parts.port) == (own.hostname, own.port)
        except ValueError:
            raise IssuerDown("its discovery document names no key set") from None
        plain = parts.scheme == "http" and self._rehearsal and is_loopback(parts.hostname or "")
        if not same or not (parts.scheme == "https" or plain) or "@" in parts.netloc:
            raise IssuerDown("its key set is not on its own host over https")
        return uri


def _discovery_url(issuer: str) -> str:
    # OpenID Connect Discovery 1.0 section 4: a trailing slash is removed before the path is added.
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def _json(http: Http, url: str, max_bytes: int) -> Mapping[str, Any]:
    response = http.request("GET", url, headers={"Accept": "application/json"}, max_bytes=max_bytes)
    if response.status != 200:
        raise IssuerDown(f"it answers with status {response.status}")
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise IssuerDown("its answer is not a JSON object")
    return value


def _by_id(jwks: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The keys that can be named. Of two with one id neither is used: which is meant cannot be known."""
    keys = jwks.get("keys")
    named = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    ids = [key.get("kid") for key in named]
    return {
        kid: key for kid, key in zip(ids, named, strict=True) if isinstance(kid, str) and kid and ids.count(kid) == 1
    }
