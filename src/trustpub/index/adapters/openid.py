# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An OpenID Connect provider over HTTP: its discovery document, its token endpoint and its keys.

The administrator named the issuer; everything else is what its own discovery document says, fetched over TLS from the
issuer itself. Nothing that a browser sends chooses what is asked.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from trustpub.addresses import is_loopback
from trustpub.errors import Misuse, TrustpubError
from trustpub.http import Http, Limits
from trustpub.index.adapters.asking import json_of
from trustpub.index.adapters.jwks import JwksKeys
from trustpub.index.issuers import check_ca
from trustpub.index.kept import Issuer
from trustpub.index.ports import Clock, IssuerDown
from trustpub.index.settings import OpenId
from trustpub.printable import printable
from trustpub.trust.provider import Terms

SECONDS = 10.0
"""For each answer: a person waits for it."""
FRESH_SECONDS = 3600
"""For so long a discovery document is good."""
MAX_BYTES = 256 * 1024

TERMS = Terms(algorithms=("RS256", "ES256"), array_audience=True, max_age=600, max_lifetime=24 * 3600)
"""An ID token comes straight from the provider, so it must be nearly new. ``aud`` may be an array of the one client."""


class OpenIdHttp:
    """:class:`trustpub.index.ports.OpenIdProvider`."""

    def __init__(self, settings: OpenId, *, env: Mapping[str, str], clock: Clock, seconds: float = SECONDS) -> None:
        """``env``: for proxies and certificates.

        Raises:
            Misuse: the issuer is no URL of one, or the certificates cannot be read.
        """
        self._settings = settings
        self._env = env
        self._clock = clock
        self._seconds = seconds
        self._own = _is_own(settings.issuer)
        self._ca = None if settings.ca is None else _read(settings.ca)
        # On this machine a provider may be without TLS; everywhere else it has to have it.
        self._keys = JwksKeys(env=env, clock=clock, rehearsal=self._own, seconds=seconds)
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any]] | None = None

    def authorization_endpoint(self) -> str:
        return self._endpoint("authorization_endpoint")

    def answers_with_issuer(self) -> bool:
        return self._document().get("authorization_response_iss_parameter_supported") is True

    def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        secret = self._settings.secret
        if secret is None:
            sent["client_id"] = self._settings.client_id
        elif self._in_form():
            sent |= {"client_id": self._settings.client_id, "client_secret": secret.reveal()}
        else:
            # RFC 6749 section 2.3.1: each is form-encoded before they are joined.
            pair = f"{quote(self._settings.client_id, safe='')}:{quote(secret.reveal(), safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = self._ask("POST", self._endpoint("token_endpoint"), headers, urlencode(sent).encode())
        token = answer.get("id_token")
        if not isinstance(token, str) or str(answer.get("token_type", "")).lower() != "bearer":
            raise IssuerDown("the provider gave no ID token")
        return token

    def issuer(self) -> Issuer:
        uri = self._document().get("jwks_uri")
        host = urlsplit(uri).netloc.lower() if isinstance(uri, str) else ""
        return Issuer(
            url=self._settings.issuer, kind="openid", ca=self._ca, terms=TERMS, jwks_hosts=(host,) if host else (),
            private=True,
        )  # fmt: skip

    def key(self, kid: str) -> Mapping[str, Any]:
        return self._keys.get(self.issuer(), kid)

    def _in_form(self) -> bool:
        """Whether the client's secret goes into the form, as it does only where the header is not taken."""
        methods = self._document().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods

    def _endpoint(self, name: str) -> str:
        url = self._document().get(name)
        if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
            raise IssuerDown(f"the provider's discovery document names no {name}")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            host, parts = "", urlsplit("")
        plain = parts.scheme == "http" and self._own and is_loopback(host)
        if not host or not (parts.scheme == "https" or plain) or "@" in parts.netloc or parts.fragment:
            raise IssuerDown(f"the {name} of the provider is not at an https:// address")
        return url

    def _document(self) -> Mapping[str, Any]:
        now = self._clock()
        with self._lock:
            if self._known is not None and abs(now - self._known[0]) < FRESH_SECONDS:
                return self._known[1]
            url = self._settings.issuer.removesuffix("/") + "/.well-known/openid-configuration"
            found = self._ask("GET", url, {"Accept": "application/json"})
            if found.get("issuer") != self._settings.issuer:
                raise IssuerDown("the provider's discovery document is that of another issuer")
            self._known = (now, found)
            return found

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Mapping[str, Any]:
        # Whom the administrator named may be anywhere, in a private network too.
        limits = Limits(judge=lambda host, address: None, seconds=self._seconds)
        try:
            with Http(env=self._env, ca_text=self._ca, read_seconds=self._seconds, limits=limits) as http:
                response = http.request(method, url, headers=headers, body=body, max_bytes=MAX_BYTES)
        except TrustpubError as error:
            raise IssuerDown(error.message) from None
        value = json_of(response)
        if response.status != 200:
            # Its code is one of a few words (RFC 6749 section 5.2); what it says beside that may hold anything.
            code = value.get("error") if isinstance(value, dict) else None
            said = f" ({printable(code, 60)})" if isinstance(code, str) else ""
            raise IssuerDown(f"the provider answers with status {response.status}{said}")
        if not isinstance(value, dict):
            raise IssuerDown("the provider's answer is not a JSON object")
        return value


def check(settings: OpenId) -> OpenId:
    """``settings``, if people can sign in so.

    Raises:
        Misuse: the issuer is not ``https://…``, or ``http://`` on this machine.
    """
    try:
        parts = urlsplit(settings.issuer)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    sound = host and settings.issuer.isascii() and settings.issuer.isprintable() and " " not in settings.issuer
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not sound or not secure or parts.query or parts.fragment or "@" in parts.netloc:
        raise Misuse(
            "The issuer is not the URL of an OpenID Connect provider.",
            hint="It is the `iss` of its ID tokens, exactly, and starts with https://",
        )
    if settings.ca is not None:
        _read(settings.ca)
    return settings


def _is_own(issuer: str) -> bool:
    return is_loopback(urlsplit(issuer).hostname or "")


def _read(path: str) -> str:
    try:
        text = Path(path).read_text("ascii")
    except (OSError, ValueError):
        raise Misuse("The file of certificates to believe for it cannot be read.") from None
    check_ca(text)
    return text
