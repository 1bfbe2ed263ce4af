# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Azure Pipelines' identity provider, emulated: the claims of a run, and the endpoint that a job asks."""

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

AUDIENCE = "api://AzureADTokenExchange"
"""Of every token, whatever it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureRun:
    """A run of a pipeline, with all that Azure would vouch for."""

    organization: str
    project: str
    pipeline: str
    """Name of the definition."""
    organization_id: str
    project_id: str
    definition_id: str
    """A number, anew in each project."""
    repository_id: str
    ref: str = "refs/heads/main"
    run_id: str = "3456"

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as Azure names and forms them, the same under any issuer."""
        return {
            "sub": f"p://{self.organization}/{self.project}/{self.pipeline}",
            "org_id": self.organization_id,
            "prj_id": self.project_id,
            "def_id": self.definition_id,
            "rpo_id": self.repository_id,
            "rpo_ref": self.ref,
            "run_id": self.run_id,
        }


class AzureIssuer(DescribedIssuer):
    """An emulated Azure DevOps."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        self._run: AzureRun | None = None
        self.access_token = Secret(secrets.token_urlsafe(32))
        """What a job shows (``SYSTEM_ACCESSTOKEN``)."""
        super().__init__("azure", clock=clock, watch=watch)

    def request_uri(self, run: AzureRun) -> str:
        """What a job asks (``SYSTEM_OIDCREQUESTURI``)."""
        return self.origin + _path(run)

    def serve(self, run: AzureRun) -> None:
        """From now on the job that asks is one of this run."""
        self._run = run

    def door(self, asked: Asked) -> Answer:
        """The endpoint. It takes no audience."""
        if self._run is None or asked.method != "POST" or asked.path != _path(self._run):
            return NOT_FOUND
        if not hmac.compare_digest(asked.bearer.encode(), self.access_token.reveal().encode()):
            return Answer(status=401, document={"message": "Unauthorized"})
        if not asked.query.get("api-version"):
            return Answer(status=400, document={"message": "No api-version was supplied."})
        return Answer(document={"oidcToken": self.give(self._run, AUDIENCE).reveal()})


def _path(run: AzureRun) -> str:
    return f"/{run.organization}/{run.project_id}/_apis/distributedtask/hubs/build/plans/{run.run_id}/jobs/1/oidctoken"
