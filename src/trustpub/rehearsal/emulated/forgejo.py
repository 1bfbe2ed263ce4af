# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Forgejo's identity provider, emulated: the claims of a run, and the endpoint that its runner offers."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.rehearsal.emulated.issuer import NOT_FOUND, Answer
from trustpub.rehearsal.listening import Asked
from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgejoRun:
    """A job of a workflow run, with what Forgejo is known to vouch for."""

    repository: str
    """``owner/name``."""
    repository_id: str
    owner_id: str
    workflow: str
    """Name of the file."""
    folder: str = ".forgejo/workflows"
    """Where the file is."""
    event: str = "push"
    ref: str = "refs/heads/main"
    sha: str = "0" * 40
    run_id: str = "1"

    @property
    def workflow_ref(self) -> str:
        """The file with its place and its ref."""
        return f"{self.repository}/{self.folder}/{self.workflow}@{self.ref}"

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as Forgejo names and forms them, the same under any issuer. Ids stand in ``sub`` too."""
        owner, _, name = self.repository.partition("/")
        return {
            "sub": f"repo:{owner}-{self.owner_id}/{name}-{self.repository_id}:ref:{self.ref}",
            "repository": self.repository,
            "repository_id": self.repository_id,
            "repository_owner": owner,
            "repository_owner_id": self.owner_id,
            "actor": owner,
            "actor_id": self.owner_id,
            "workflow": self.workflow,
            "workflow_ref": self.workflow_ref,
            "event_name": self.event,
            "ref": self.ref,
            "sha": self.sha,
            "run_id": self.run_id,
        }


class ForgejoIssuer(DescribedIssuer):
    """An emulated Forgejo."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        self._run: ForgejoRun | None = None
        self.request_token = Secret(secrets.token_urlsafe(32))
        """What a job shows the token endpoint (``ACTIONS_ID_TOKEN_REQUEST_TOKEN``)."""
        super().__init__("forgejo", clock=clock, watch=watch)

    def request_url(self, run: ForgejoRun) -> str:
        """What a job asks (``ACTIONS_ID_TOKEN_REQUEST_URL``); with a query of its own, as Forgejo's."""
        return f"{self.origin}{_path(run)}?placeholder=true"

    def serve(self, run: ForgejoRun) -> None:
        """From now on the job that asks is this one."""
        self._run = run

    def door(self, asked: Asked) -> Answer:
        """The token endpoint."""
        if self._run is None or asked.method != "GET" or asked.path != _path(self._run):
            return NOT_FOUND
        if not hmac.compare_digest(asked.bearer.encode(), self.request_token.reveal().encode()):
            return Answer(status=401, document={"message": "Unauthorized"})
        owner = self._run.repository.partition("/")[0]
        made = self.give(self._run, asked.query.get("audience", f"{self.origin}/{owner}"))
        return Answer(document={"count": len(made.reveal()), "value": made.reveal()})


def _path(run: ForgejoRun) -> str:
    return f"/api/actions/_apis/pipelines/workflows/{run.run_id}/idtoken"
