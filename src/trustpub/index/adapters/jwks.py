# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Public keys of issuers: given by the administrator, or fetched as OpenID Connect Discovery 1.0 describes.

Nothing in a token chooses what is fetched: only issuers that were registered are asked, at an address derived from
their URL, on their own host or one that was allowed, without following anybody elsewhere.

One request to an issuer is under way at a time, in a thread of its own, and at most one a minute is begun. Who holds
a token whose key is known from the last hour never waits for it. Who needs it does: the key is not known, or what is
known is older, and then a key that the issuer took back must not pass while it would say so if asked. Sets in use are
therefore fetched anew ten minutes before the hour is over, with nobody waiting.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from trustpub.addresses import is_loopback
from trustpub.errors import TrustpubError
from trustpub.http import Http
from trustpub.index.adapters.asking import SECONDS, Asking, json_of
from trustpub.index.jwk import by_id
from trustpub.index.kept import Issuer
from trustpub.index.metering import UNMETERED, Meter
from trustpub.index.ports import Clock, IssuerDown, NoSuchKey

MAX_DISCOVERY_BYTES = 100 * 1024
MAX_JWKS_BYTES = 1024 * 1024

AHEAD_SECONDS = 3000
"""After this a set that is in use is fetched again, while it goes on being used."""
FRESH_SECONDS = 3600
"""After this a set is fetched again before it is used."""
USABLE_SECONDS = 86_400
"""An issuer that cannot be asked is believed by its old keys this long, and no longer: they may have been revoked."""
COOLDOWN_SECONDS = 60
"""Between two requests to one issuer, however many unknown key ids are thrown at the index."""

ALLOWED_HOSTS: Mapping[str, tuple[str, ...]] = {"https://accounts.google.com": ("www.googleapis.com",)}
"""Public issuers whose key set is on another host than their own. All others that we know keep it on theirs."""

_Found = Mapping[str, Mapping[str, Any] | str]


@dataclass(slots=True)
class _Kept:
    """What is known of one issuer. Guarded by ``changed``, which is notified at the end of each flight."""

    source: tuple[Any, ...]
    epoch: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    found: _Found | None = None
    fetched: float = 0.0
    asked: float | None = None
    why: str = "it was not asked yet"
    flying_since: float | None = None
    """By the monotonic clock; None: nobody is asking."""

    def age(self, now: float) -> float:
        """Seconds. A clock that was set back is a reason to ask, not to believe for longer."""
        return abs(now - self.fetched) if self.found is not None else float("inf")

    def fresh(self, kid: str, now: float) -> bool:
        """Whether this key may be used without asking."""
        known = self.found is not None and isinstance(self.found.get(kid), Mapping)
        return known and self.age(now) < FRESH_SECONDS

    def cooling(self, now: float) -> float:
        """Seconds until it may be asked again; 0: now."""
        return 0.0 if self.asked is None else max(0.0, COOLDOWN_SECONDS - abs(now - self.asked))


class JwksKeys:
    """:class:`trustpub.index.ports.Keys` over HTTP, with a cache in memory; and :class:`trustpub.index.ports.Probe`."""

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        clock: Clock,
        rehearsal: bool = False,
        seconds: float = SECONDS,
        meter: Meter = UNMETERED,
    ) -> None:
        """``env``: for proxies and certificates. ``rehearsal``: keys may come from this machine, over plain HTTP.

        ``seconds``: for each of the two answers that a set takes; who waits for both waits no longer than for that.
        """
        self._clock = clock
        self._rehearsal = rehearsal
        self._asking = Asking(env=env, rehearsal=rehearsal, seconds=seconds)
        self._patience = 2 * seconds + 1
        self._kept: dict[str, _Kept] = {}
        self._sets: dict[str, tuple[Mapping[str, Any], _Found]] = {}
        self._lock = threading.Lock()
        self._meter = meter

    def at_hand(self, issuer: Issuer, kid: str) -> bool:
        if issuer.jwks is not None:
            return True
        kept = self._of(issuer)
        with kept.changed:
            return kept.fresh(kid, self._clock())

    def get(self, issuer: Issuer, kid: str) -> Mapping[str, Any]:
        if issuer.jwks is not None:
            return _chosen(self._given(issuer.url, issuer.jwks), kid)
        kept = self._of(issuer)
        with kept.changed:
            now = self._clock()
            fresh = kept.fresh(kid, now)
            if (not fresh or kept.age(now) >= AHEAD_SECONDS) and kept.flying_since is None and not kept.cooling(now):
                self._take_off(issuer, kept, now)
            if not fresh:
                self._wait(kept)
                now = self._clock()
            if kept.found is None or kept.age(now) >= USABLE_SECONDS:
                raise IssuerDown(kept.why, retry_after=math.ceil(kept.cooling(now)))
            return _chosen(kept.found, kid)

    def probe(self, issuer: Issuer) -> _Found:
        return by_id(issuer.jwks) if issuer.jwks is not None else self._fetch(issuer)

    def _given(self, url: str, jwks: Mapping[str, Any]) -> _Found:
        """What is in a set that the administrator gave; looked at once."""
        known = self._sets.get(url)
        if known is None or known[0] is not jwks:
            known = self._sets[url] = (jwks, by_id(jwks))
        return known[1]

    def _of(self, issuer: Issuer) -> _Kept:
        # An issuer that got other certificates or hosts is asked anew: the old keys came from whom it trusts no more.
        # One whose keys were forgotten, too; but who read it before that was done brings nothing back.
        source = (issuer.ca, issuer.jwks_hosts, issuer.private)
        with self._lock:
            kept = self._kept.get(issuer.url)
            if kept is None or kept.epoch < issuer.keys_epoch or kept.source != source:
                kept = self._kept[issuer.url] = _Kept(source=source, epoch=issuer.keys_epoch)
            return kept

    def _take_off(self, issuer: Issuer, kept: _Kept, now: float) -> None:
        # The flight cannot end before this method, for its end needs the lock that is held here.
        threading.Thread(target=self._fly, args=(issuer, kept, now), name="issuer-keys", daemon=True).start()
        kept.asked = now
        kept.flying_since = time.monotonic()

    def _fly(self, issuer: Issuer, kept: _Kept, now: float) -> None:
        found: _Found | None = None
        why = "asking it failed"
        try:
            found = self._fetch(issuer)
        except IssuerDown as error:
            why = str(error)
        finally:
            self._meter.asked_keys(issuer.kind, answered=found is not None)
            with kept.changed:
                if found is not None:
                    kept.found, kept.fetched = found, now
                else:
                    kept.why = why
                kept.flying_since = None
                kept.changed.notify_all()

    def _wait(self, kept: _Kept) -> None:
        """Until the flight that is under way, if one is, has ended or takes longer than it should."""
        while (since := kept.flying_since) is not None:
            left = since + self._patience - time.monotonic()
            if left <= 0:
                kept.why = "it does not answer in time"
                return
            kept.changed.wait(left)

    def _fetch(self, issuer: Issuer) -> _Found:
        try:
            with self._asking.http(issuer) as http:
                document = _object(http, _discovery_url(issuer.url), MAX_DISCOVERY_BYTES)
                found = by_id(_object(http, self._jwks_uri(issuer, document), MAX_JWKS_BYTES))
        except TrustpubError as error:
            raise IssuerDown(error.message) from None
        if not found:
            raise IssuerDown("the issuer's key set holds no key with an id")
        return found

    def _jwks_uri(self, issuer: Issuer, document: Mapping[str, Any]) -> str:
        """The address of the keys: the issuer's own, or one that was allowed (RFC 8725 section 3.10)."""
        if document.get("issuer") != issuer.url:
            raise IssuerDown("its discovery document is that of another issuer")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str) or not uri.isascii() or not uri.isprintable() or " " in uri:
            raise IssuerDown("its discovery document names no key set")
        try:
            parts = urlsplit(uri)
            allowed = {_place(urlsplit(issuer.url))}
            allowed |= {_place(urlsplit(f"https://{host}")) for host in _hosts(issuer)}
            place = _place(parts)
        except ValueError:
            raise IssuerDown("its discovery document names no key set") from None
        plain = parts.scheme == "http" and self._rehearsal and is_loopback(parts.hostname or "")
        if place not in allowed or not (parts.scheme == "https" or plain) or "@" in parts.netloc:
            raise IssuerDown("its key set is neither on its own host nor on an allowed one, over https")
        return uri


def _hosts(issuer: Issuer) -> tuple[str, ...]:
    return (*issuer.jwks_hosts, *ALLOWED_HOSTS.get(issuer.url, ()))


def _place(parts: SplitResult) -> tuple[str, int]:
    """Host and port; raises ValueError for a port that is none."""
    return (parts.hostname or "").lower(), parts.port or (80 if parts.scheme == "http" else 443)


def _discovery_url(issuer: str) -> str:
    # OpenID Connect Discovery 1.0 section 4: a trailing slash is removed before the path is added.
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def _object(http: Http, url: str, max_bytes: int) -> Mapping[str, Any]:
    response = http.request("GET", url, headers={"Accept": "application/json"}, max_bytes=max_bytes)
    if response.status != 200:
        raise IssuerDown(f"it answers with status {response.status}")
    value = json_of(response)
    if not isinstance(value, dict):
        raise IssuerDown("its answer is not a JSON object")
    return value


def _chosen(found: _Found, kid: str) -> Mapping[str, Any]:
    one = found.get(kid)
    if isinstance(one, str):
        raise NoSuchKey(f"the key {one}")
    if one is None:
        raise NoSuchKey
    return one
