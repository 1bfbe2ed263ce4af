# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub's identity provider, emulated: the claims of a run, and the endpoint that its runner offers."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from trustpub.rehearsal.emulated.issuer import NOT_FOUND, Answer, Form, Issuer
from trustpub.rehearsal.listening import Asked
from trustpub.secret import Secret

LIFETIME = 300
"""Seconds from ``iat`` to ``exp``, as in GitHub's own example."""
BACKDATED = 600
"""Seconds by which GitHub's ``nbf`` lies before ``iat``."""

_TOKEN_PATH = "/actions/id-token"  # noqa: S105 - where tokens are to be had


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

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as GitHub names and forms them, the same under any issuer."""
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


class GitHubIssuer(Issuer):
    """An emulated GitHub."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        self._run: Run | None = None
        self.request_token = Secret(secrets.token_urlsafe(32))
        """What a job shows the token endpoint (``ACTIONS_ID_TOKEN_REQUEST_TOKEN``)."""
        super().__init__(Form(lifetime=LIFETIME, backdated=BACKDATED), clock=clock, watch=watch)

    @property
    def request_url(self) -> str:
        """What a job asks (``ACTIONS_ID_TOKEN_REQUEST_URL``); with a query of its own, as GitHub's."""
        return f"{self.origin}{_TOKEN_PATH}?api-version=2.0"

    def serve(self, run: Run) -> None:
        """From now on the job that asks is this one."""
        self._run = run

    def door(self, asked: Asked) -> Answer:
        """The runner's token endpoint."""
        if asked.method != "GET" or asked.path != _TOKEN_PATH:
            return NOT_FOUND
        if not hmac.compare_digest(asked.bearer.encode(), self.request_token.reveal().encode()):
            return Answer(status=401, document={"message": "Unauthorized"})
        if self._run is None:
            return Answer(status=403, document={"message": "no job runs"})
        owner = self._run.repository.partition("/")[0]
        made = self.give(self._run, asked.query.get("audience", f"https://github.com/{quote(owner)}"))
        return Answer(document={"count": len(made.reveal()), "value": made.reveal()})
