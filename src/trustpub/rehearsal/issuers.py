# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub's identity provider, emulated on this machine: own key, discovery, key set, and the endpoint a runner offers.

It can only deceive a rehearsal: it signs for no issuer but a loopback or ``.test`` one, and only an index that was
made for a rehearsal believes those.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.http import is_loopback
from trustpub.secret import Secret

LIFETIME = 300
"""Seconds from ``iat`` to ``exp``, as in GitHub's own example."""
BACKDATED = 600
"""Seconds by which GitHub's ``nbf`` lies before ``iat``."""

_TOKEN_PATH = "/actions/id-token"  # noqa: S105 - where tokens are to be had
_DISCOVERY_PATH = "/.well-known/openid-configuration"
_JWKS_PATH = "/.well-known/jwks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A job of a workflow run, with all that GitHub would vouch for."""

    repository: str
    """``owner/name``."""
    repository_id: str
    owner_id: str
    workflow: str
    """Name of the file that holds the job."""
    started_by: str | None = None
    """Name of the file that the run began with; None: the same."""
    environment: str | None = None
    event: str = "push"
    ref: str = "refs/heads/main"
    sha: str = "0" * 40
    run_id: str = "1"

    def claims(self) -> dict[str, Any]:
        """Its claims, as GitHub names and forms them; those of a single token (``aud``, times, ``jti``) left out."""
        owner, _, _ = self.repository.partition("/")
        ref_type = "tag" if self.ref.startswith("refs/tags/") else "branch"
        claims: dict[str, Any] = {
            "sub": self._subject(),
            "ref": self.ref,
            "ref_type": ref_type,
            "ref_protected": "false",
            "sha": self.sha,
            "repository": self.repository,
            "repository_id": self.repository_id,
            "repository_owner": owner,
            "repository_owner_id": self.owner_id,
            "repository_visibility": "public",
            "workflow": "Release",
            "workflow_ref": self._at(self.started_by or self.workflow),
            "workflow_sha": self.sha,
            "job_workflow_ref": self._at(self.workflow),
            "job_workflow_sha": self.sha,
            "event_name": self.event,
            "actor": owner,
            "actor_id": self.owner_id,
            "run_id": self.run_id,
            "run_number": "1",
            "run_attempt": "1",
            "check_run_id": self.run_id,
            "runner_environment": "github-hosted",
            "head_ref": "",
            "base_ref": "",
        }
        if self.environment is not None:
            claims |= {"environment": self.environment, "environment_node_id": f"EN_{self.repository_id}"}
        return claims

    def _at(self, file: str) -> str:
        return f"{self.repository}/.github/workflows/{file}@{self.ref}"

    def _subject(self) -> str:
        """In the form of 2026: ids beside the names, and ``:`` inside a value written as ``%3A``."""
        owner, _, name = self.repository.partition("/")
        who = f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}"
        if self.environment is None:
            return f"{who}:ref:{self.ref.replace(':', '%3A')}"
        return f"{who}:environment:{self.environment.replace(':', '%3A')}"


class GitHubIssuer:
    """An emulated GitHub, listening from the moment it is made until :meth:`close`."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """``clock``: Unix time. ``watch`` is told every identity token at the moment it is made."""
        self._clock = clock
        self._watch = watch
        self._key = RSAKey.generate_key(2048, parameters={"kid": secrets.token_hex(16), "alg": "RS256", "use": "sig"})
        self._given: list[Secret] = []
        self._run: Run | None = None
        self.request_token = Secret(secrets.token_urlsafe(32))
        """What a job shows the token endpoint (``ACTIONS_ID_TOKEN_REQUEST_TOKEN``)."""
        self._server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
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
    def request_url(self) -> str:
        """What a job asks (``ACTIONS_ID_TOKEN_REQUEST_URL``); with a query of its own, as GitHub's."""
        return f"{self.url}{_TOKEN_PATH}?api-version=2.0"

    @property
    def given(self) -> tuple[Secret, ...]:
        """Tokens that were asked for over the network, in order."""
        return tuple(self._given)

    def serve(self, run: Run) -> None:
        """From now on the job that asks is this one."""
        self._run = run

    def token(self, run: Run, audience: str, *, age: float = 0.0, issuer: str | None = None) -> Secret:
        """An identity token of ``run``, issued ``age`` seconds ago.

        Raises:
            ValueError: ``issuer`` is one that somebody besides a rehearsal could believe.
        """
        name = self.url if issuer is None else issuer
        if not _only_rehearsals_believe(name):
            raise ValueError("an emulated issuer signs only for issuers on loopback or .test names")
        issued = int(self._clock() - age)
        times = {"iat": issued, "nbf": issued - BACKDATED, "exp": issued + LIFETIME}
        claims = {**run.claims(), **times, "iss": name, "aud": audience, "jti": str(uuid.uuid4())}
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        secret = Secret(jwt.encode(header, claims, self._key))
        if self._watch is not None:
            self._watch(secret)
        return secret

    def answer(self, path: str, authorization: str) -> tuple[int, Mapping[str, Any]]:
        """Status and document for a GET of ``path``, which may have a query."""
        parts = urlsplit(path)
        if parts.path == _DISCOVERY_PATH:
            return 200, self._discovery()
        if parts.path == _JWKS_PATH:
            return 200, {"keys": [self._key.as_dict(private=False)]}
        if parts.path != _TOKEN_PATH:
            return 404, {"message": "Not Found"}
        scheme, _, shown = authorization.partition(" ")
        wanted = self.request_token.reveal()
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), wanted.encode()):
            return 401, {"message": "Unauthorized"}
        if self._run is None:
            return 403, {"message": "no job runs"}
        owner = self._run.repository.partition("/")[0]
        audience = parse_qs(parts.query).get("audience", [f"https://github.com/{quote(owner)}"])[-1]
        made = self.token(self._run, audience)
        self._given.append(made)
        return 200, {"count": len(made.reveal()), "value": made.reveal()}

    def _discovery(self) -> Mapping[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": self.url + _JWKS_PATH,
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }


def _only_rehearsals_believe(issuer: str) -> bool:
    host = (urlsplit(issuer).hostname or "").rstrip(".").lower()
    return bool(host) and (is_loopback(host) or host == "test" or host.endswith(".test"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], issuer: GitHubIssuer) -> None:
        super().__init__(address, _Handler)
        self.issuer = issuer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        status, document = self.server.issuer.answer(self.path, self.headers.get("Authorization", ""))
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: a request line is nobody's business."""
