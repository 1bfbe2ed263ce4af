# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Google's identity provider, emulated: the metadata server of a machine, and the IAM service beside it."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from trustpub.rehearsal.emulated.issuer import NOT_FOUND, Answer, Form, Issuer
from trustpub.rehearsal.listening import Asked
from trustpub.secret import Secret

LIFETIME = 3600
_ACCOUNTS = "/computeMetadata/v1/instance/service-accounts/default"
_FLAVOR = {"Metadata-Flavor": "Google"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A Google account: a service account at work on a machine, or a person."""

    email: str
    sub: str
    """Its number, never given to anybody else."""
    verified: bool = True
    """Whether Google knows the e-mail address to be the account's."""
    machine: bool = True
    """Whether a machine vouches for it, and so for itself."""

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as Google names and forms them, the same under any issuer."""
        claims: dict[str, Any] = {
            "sub": self.sub,
            "azp": self.sub,
            "email": self.email,
            "email_verified": self.verified,
        }
        if self.machine:
            engine = {
                "project_id": "example-project", "project_number": 739419398126, "zone": "us-central1-c",
                "instance_id": "152986662232938449", "instance_name": "release", "instance_creation_timestamp": 1551391,
            }  # fmt: skip
            claims["google"] = {"compute_engine": engine}
        return claims


class GoogleIssuer(Issuer):
    """An emulated Google. Its identity tokens have no ``jti`` and no ``nbf``."""

    jwks_path = "/oauth2/v3/certs"

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        self._account: Account | None = None
        self._access = Secret(f"ya29.{secrets.token_urlsafe(32)}")
        super().__init__(Form(lifetime=LIFETIME, backdated=None, jti=False), clock=clock, watch=watch)

    @property
    def metadata_host(self) -> str:
        """Where a job finds its metadata server (``GCE_METADATA_HOST``)."""
        return urlsplit(self.origin).netloc

    def serve(self, account: Account) -> None:
        """From now on the machine that asks works as this account."""
        self._account = account

    def door(self, asked: Asked) -> Answer:
        """The metadata server, and the IAM service's ``generateIdToken``."""
        if self._account is None:
            return NOT_FOUND
        if asked.method == "POST":
            return self._generate(self._account, asked)
        if not asked.path.startswith("/computeMetadata/"):
            return NOT_FOUND
        # Without this header a request may be one that a web page made a browser send.
        if asked.headers.get("metadata-flavor") != "Google":
            return Answer(status=403, text="Missing Metadata-Flavor:Google header.")
        if asked.path == f"{_ACCOUNTS}/token":
            document = {"access_token": self._access.reveal(), "expires_in": 3599, "token_type": "Bearer"}
            return Answer(document=document, headers=_FLAVOR)
        if asked.path != f"{_ACCOUNTS}/identity":
            return Answer(status=404, text="not found", headers=_FLAVOR)
        audience = asked.query.get("audience")
        if not audience:
            return Answer(status=400, text="non-empty audience parameter required", headers=_FLAVOR)
        return Answer(text=self.give(self._account, audience).reveal(), headers=_FLAVOR)

    def _generate(self, account: Account, asked: Asked) -> Answer:
        if not hmac.compare_digest(asked.bearer.encode(), self._access.reveal().encode()):
            return Answer(status=401, document={"error": {"status": "UNAUTHENTICATED"}})
        if asked.path != f"/v1/projects/-/serviceAccounts/{quote(account.email, safe='@.-')}:generateIdToken":
            return Answer(status=403, document={"error": {"status": "PERMISSION_DENIED"}})
        try:
            wanted = json.loads(asked.body)
            audience, with_email = str(wanted["audience"]), wanted.get("includeEmail") is True
        except (ValueError, KeyError, TypeError, AttributeError):
            return Answer(status=400, document={"error": {"status": "INVALID_ARGUMENT"}})
        who: Account | _Nameless = account if with_email else _Nameless(sub=account.sub)
        return Answer(document={"token": self.give(who, audience).reveal()})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nameless:
    """An account in a token that nobody asked the e-mail address for."""

    sub: str

    def claims(self, issuer: str) -> dict[str, Any]:
        return {"sub": self.sub, "azp": self.sub}
