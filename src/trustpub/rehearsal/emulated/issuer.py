# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What every emulated identity provider has: a key of its own, discovery, a key set, and tokens signed with it.

It can only deceive a rehearsal: it signs for no issuer but a loopback or ``.test`` one, and only an index that was
made for a rehearsal believes those.
"""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from trustpub.addresses import is_loopback
from trustpub.rehearsal.listening import Asked, Listening, Reply
from trustpub.secret import Secret

DISCOVERY_PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What all identity tokens of a provider have in common, beside their claims."""

    lifetime: int
    """Seconds from ``iat`` to ``exp``."""
    backdated: int | None = 0
    """Seconds by which ``nbf`` lies before ``iat``; None: there is no ``nbf``."""
    jti: bool = True
    array_audience: bool = False
    """Whether ``aud`` is an array of one."""
    algorithm: str = "RS256"


class Workload(Protocol):
    """Something that runs, with all that its provider would vouch for."""

    def claims(self, issuer: str) -> dict[str, Any]:
        """Its claims under ``issuer``; those of a single token (``iss``, ``aud``, times, ``jti``) left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to it: a document, or text."""

    status: int = 200
    document: Mapping[str, Any] | None = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_FOUND = Answer(status=404, document={"message": "Not Found"})


class Issuer(Listening):
    """An emulated provider, listening from the moment it is made until :meth:`close`."""

    jwks_path = "/.well-known/jwks"

    def __init__(
        self, form: Form, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None, path: str = ""
    ) -> None:
        """``clock``: Unix time. ``watch`` is told every identity token at the moment it is made.

        ``path`` is what the issuer's name has after the host, as ``/org/…``.
        """
        super().__init__()
        self.form = form
        self._clock = clock
        self._watch = watch
        self._key = _key(form.algorithm)
        self._given: list[Secret] = []
        self._seconds: set[int] = set()
        self._second = threading.Lock()
        self._path = path
        self.url = self.origin + path
        """The issuer, exactly as in ``iss``."""
        self.begin()

    @property
    def jwks(self) -> Mapping[str, Any]:
        """The key set, also for an issuer whose keys are registered by file."""
        return {"keys": [self._key.as_dict(private=False)]}

    @property
    def given(self) -> tuple[Secret, ...]:
        """Tokens that a job was given, in order."""
        return tuple(self._given)

    def give(self, who: Workload, audience: str) -> Secret:
        """A token that a job gets, noted in :attr:`given`."""
        made = self.token(who, audience)
        self._given.append(made)
        return made

    def token(
        self, who: Workload, audience: str, *, age: float = 0.0, issuer: str | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> Secret:  # fmt: skip
        """An identity token of ``who``, issued ``age`` seconds ago; ``changes`` are claims to put in last.

        Raises:
            ValueError: ``issuer``, or ``iss`` in ``changes``, is one that somebody besides a rehearsal could believe.
        """
        name = self.url if issuer is None else issuer
        issued = self._issued(int(self._clock() - age))
        claims = {**who.claims(name), "iss": name, "iat": issued, "exp": issued + self.form.lifetime}
        claims["aud"] = [audience] if self.form.array_audience else audience
        if self.form.backdated is not None:
            claims["nbf"] = issued - self.form.backdated
        if self.form.jti:
            claims["jti"] = str(uuid.uuid4())
        claims |= changes or {}
        if not _only_rehearsals_believe(claims["iss"]):
            raise ValueError("an emulated issuer signs only for issuers on loopback or .test names")
        header = {"alg": self.form.algorithm, "typ": "JWT", "kid": self._key.kid}
        secret = Secret(jwt.encode(header, claims, self._key, algorithms=[self.form.algorithm]))
        if self._watch is not None:
            self._watch(secret)
        return secret

    def _issued(self, second: int) -> int:
        """When a token asked for now is issued.

        Where tokens have no ``jti``, two of one second would be the same token, and an index takes a token only once:
        there each has a second of its own, the last one before ``second`` that none has yet.
        """
        if self.form.jti:
            return second
        with self._second:
            while second in self._seconds:
                second -= 1
            self._seconds.add(second)
        return second

    def reply(self, asked: Asked) -> Reply:
        """What is said to a request, to be kept by nobody."""
        answer = self._answer(asked)
        return Reply(
            status=answer.status,
            body=answer.text.encode() if answer.document is None else json.dumps(answer.document).encode(),
            content_type="text/html" if answer.document is None else "application/json; charset=utf-8",
            headers={"Cache-Control": "no-store", **answer.headers},
        )

    def _answer(self, asked: Asked) -> Answer:
        if asked.method == "GET" and asked.path == self._path + DISCOVERY_PATH:
            return Answer(document=self._discovery())
        if asked.method == "GET" and asked.path == self._path + self.jwks_path:
            return Answer(document=self.jwks)
        return self.door(asked)

    def door(self, asked: Asked) -> Answer:
        """What is said to a request for neither discovery nor keys; a provider with doors of its own overrides it."""
        return NOT_FOUND

    def _discovery(self) -> Mapping[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": self.url + self.jwks_path,
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": [self.form.algorithm],
            "scopes_supported": ["openid"],
        }


def _key(algorithm: str) -> RSAKey | ECKey:
    parameters: KeyParameters = {"kid": secrets.token_hex(16), "alg": algorithm, "use": "sig"}
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", parameters=parameters)
    return RSAKey.generate_key(2048, parameters=parameters)


def _only_rehearsals_believe(issuer: object) -> bool:
    if not isinstance(issuer, str):
        return True
    try:
        host = (urlsplit(issuer).hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    return bool(host) and (is_loopback(host) or host == "test" or host.endswith(".test"))
