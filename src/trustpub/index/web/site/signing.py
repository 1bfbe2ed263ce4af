# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the site hands to a browser and must know again: cookies, the token of its forms, what is said on the next page.

Every cookie is for this host alone (``__Host-``), goes over TLS only, and is read by no script. On plain HTTP, which
there is only on loopback, browsers take neither the prefix nor ``Secure``: there, both are left out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

GUEST, SESSION, SAID = "guest", "session", "said"
"""Names of the cookies: a browser whose person is not known, one whose person is, and what is to be said."""

SAID_SECONDS = 60
_LONGEST_SAID = 400
_GUEST_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence that is shown on the next page."""

    text: str
    kind: str = "done"
    """``done`` or ``warning``."""


class Signing:
    """Cookies and form tokens under one key of the server."""

    def __init__(self, keys: Callable[[], Sequence[bytes]], *, secure: bool) -> None:
        """``keys``: the first is used, all are believed. ``secure``: whether the site is served over TLS."""
        self._keys = keys
        self._secure = secure

    def name(self, cookie: str) -> str:
        """As a browser knows it."""
        return f"__Host-{cookie}" if self._secure else cookie

    def read(self, request: Request, cookie: str) -> str:
        """The cookie's value; empty if there is none, or more than one: then somebody may have added theirs."""
        wanted = self.name(cookie)
        found: list[str] = []
        for name, value in request.scope["headers"]:
            if name == b"cookie":
                for part in value.decode("latin-1").split(";"):
                    given, _, content = part.strip().partition("=")
                    if given == wanted:
                        found.append(content)
        return found[0] if len(found) == 1 else ""

    def write(self, response: Response, cookie: str, value: str, *, seconds: int | None = None) -> None:
        """Set it, until the browser is closed or for so many seconds."""
        response.set_cookie(
            self.name(cookie),
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def remove(self, response: Response, cookie: str) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name(cookie), path="/", secure=self._secure, httponly=True, samesite="lax")

    @staticmethod
    def new_guest() -> str:
        """A value for the cookie of a browser that is not known."""
        return secrets.token_urlsafe(_GUEST_BYTES)

    def form_token(self, bound_to: str) -> str:
        """What forms hold that are shown to the browser whose cookie has the value ``bound_to``."""
        return self._mac("form", bound_to.encode())

    def form_token_fits(self, given: str, bound_to: str) -> bool:
        """Whether ``given`` is that; takes as long whatever it is."""
        return bool(bound_to) and self._fits("form", bound_to.encode(), given)

    def say(self, response: Response, said: Sequence[Said]) -> None:
        """Have the next page show these."""
        told = json.dumps([[one.kind, one.text[:_LONGEST_SAID]] for one in said], separators=(",", ":"))
        # Without its padding: a cookie with "=" in it would be sent in quotes, which come back with it.
        content = base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")
        self.write(response, SAID, f"{content}.{self._mac('said', content.encode())}", seconds=SAID_SECONDS)

    def said(self, request: Request) -> Sequence[Said]:
        """What the page before this one left to be shown. What was not written here is nothing."""
        content, _, mac = self.read(request, SAID).partition(".")
        if not content or not self._fits("said", content.encode(), mac):
            return ()
        return tuple(Said(kind=kind, text=text) for kind, text in json.loads(base64.urlsafe_b64decode(content + "==")))

    def _fits(self, purpose: str, content: bytes, given: str) -> bool:
        mac = given.encode("utf-8", "replace")
        # All of them: it takes as long whichever it is.
        fits = [hmac.compare_digest(mac, _mac(key, purpose, content).encode()) for key in self._keys()]
        return any(fits)

    def _mac(self, purpose: str, content: bytes) -> str:
        return _mac(self._keys()[0], purpose, content)


def _mac(key: bytes, purpose: str, content: bytes) -> str:
    digest = hmac.digest(key, purpose.encode() + b"\x00" + content, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
