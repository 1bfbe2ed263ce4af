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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from trustpub.addresses import is_loopback
from trustpub.secret import Secret

DISCOVERY_PATH = "/.well-known/openid-configuration"
MAX_BODY_BYTES = 65536


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
class Asked:
    """A request."""

    method: str
    path: str
    query: Mapping[str, str]
    """Of a name that stands twice, the last."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    @property
    def bearer(self) -> str:
        """The token in ``Authorization``; empty where there is none."""
        scheme, _, shown = self.headers.get("authorization", "").partition(" ")
        return shown.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to it: a document, or text."""

    status: int = 200
    document: Mapping[str, Any] | None = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_FOUND = Answer(status=404, document={"message": "Not Found"})


class Issuer:
    """An emulated provider, listening from the moment it is made until :meth:`close`."""

    jwks_path = "/.well-known/jwks"

    def __init__(
        self, form: Form, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None, path: str = ""
    ) -> None:
        """``clock``: Unix time. ``watch`` is told every identity token at the moment it is made.

        ``path`` is what the issuer's name has after the host, as ``/org/…``.
        """
        self.form = form
        self._clock = clock
        self._watch = watch
        self._key = _key(form.algorithm)
        self._given: list[Secret] = []
        self._path = path
        self._server = _Server(("127.0.0.1", 0), self)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        """Scheme, host and port."""
        self.url = self.origin + path
        """The issuer, exactly as in ``iss``."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

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
        issued = int(self._clock() - age)
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

    def answer(self, asked: Asked) -> Answer:
        """What is said to a request; a provider with doors of its own overrides :meth:`door`."""
        if asked.method == "GET" and asked.path == self._path + DISCOVERY_PATH:
            return Answer(document=self._discovery())
        if asked.method == "GET" and asked.path == self._path + self.jwks_path:
            return Answer(document=self.jwks)
        return self.door(asked)

    def door(self, asked: Asked) -> Answer:
        """What is said to a request for neither discovery nor keys."""
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], issuer: Issuer) -> None:
        super().__init__(address, _Door)
        self.issuer = issuer


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isascii() and length.isdigit() else 0
        asked = Asked(
            method=self.command,
            path=parts.path,
            query={name: values[-1] for name, values in parse_qs(parts.query).items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(min(size, MAX_BODY_BYTES)),
        )
        answer = self.server.issuer.answer(asked)
        body = answer.text.encode() if answer.document is None else json.dumps(answer.document).encode()
        kind = "text/html" if answer.document is None else "application/json; charset=utf-8"
        self.send_response(answer.status)
        sent = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", **answer.headers}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: a request line is nobody's business."""
