# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""CircleCI's identity provider, emulated: the claims of a job, and what its program asks."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.rehearsal.emulated.issuer import NOT_FOUND, Answer
from trustpub.rehearsal.listening import Asked
from trustpub.secret import Secret

_DOMAIN = "oidc.circleci.com"
"""Before the name of every claim of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleJob:
    """A job of a pipeline, with all that CircleCI would vouch for."""

    repository: str
    """``owner/name`` on GitHub."""
    org_id: str
    project_id: str
    pipeline_definition_id: str
    ref: str = "refs/heads/main"
    """Whole."""
    user_id: str = "c1a4b8de-93f0-4a37-b5d4-1e0d7c2f6b90"
    pipeline_id: str = "e8a51b60-27d9-4d2c-8e5f-90c3b6a7d414"
    workflow_id: str = "7b3d5f18-4c6e-4b9a-b0a2-d86e1c9f2a55"
    job_id: str = "f4c7e2a9-1d38-49b6-93e0-6b5a8d7c0e77"
    context_ids: tuple[str, ...] = ()
    ssh_rerun: bool = False
    """Whether somebody asked to run it again with a door for themselves."""

    @property
    def origin(self) -> str:
        """The repository, with its forge."""
        return f"github.com/{self.repository}"

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as CircleCI names and forms them, the same under any issuer."""
        own = {
            "org-id": self.org_id,
            "project-id": self.project_id,
            "pipeline-definition-id": self.pipeline_definition_id,
            "pipeline-id": self.pipeline_id,
            "workflow-id": self.workflow_id,
            "job-id": self.job_id,
            "context-ids": list(self.context_ids),
            "ssh-rerun": self.ssh_rerun,
            "vcs-origin": self.origin,
            "vcs-ref": self.ref,
        }
        subject = f"org/{self.org_id}/project/{self.project_id}/user/{self.user_id}"
        return {
            "sub": f"{subject}/vcs-origin/{self.origin}/vcs-ref/{self.ref}",
            **{f"{_DOMAIN}/{name}": value for name, value in own.items()},
        }


class CircleIssuer(DescribedIssuer):
    """An emulated CircleCI. Its own issuer is that of all organisations; each has one beside it."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        self._job: CircleJob | None = None
        # The real program finds its way by itself; who knows this address is the job's program.
        self._door = f"/{secrets.token_urlsafe(32)}"
        super().__init__("circleci", clock=clock, watch=watch)

    @property
    def door_url(self) -> str:
        """Where the program of the job asks."""
        return self.origin + self._door

    def serve(self, job: CircleJob) -> None:
        """From now on the job that asks is this one."""
        self._job = job

    def of_organisation(self, job: CircleJob) -> str:
        """The issuer of the job's organisation alone."""
        return f"{self.url}/org/{job.org_id}"

    def variables(self, job: CircleJob) -> Mapping[str, Secret]:
        """The tokens that a job is started with, by variable: for the organisation's id, and for no index."""
        issuer = self.of_organisation(job)
        return {
            "CIRCLE_OIDC_TOKEN": self.token(job, job.org_id, issuer=issuer),
            "CIRCLE_OIDC_TOKEN_V2": self.token(job, job.org_id, issuer=issuer),
        }

    def door(self, asked: Asked) -> Answer:
        """What ``circleci run oidc get`` asks."""
        if asked.method != "POST" or not secrets.compare_digest(asked.path.encode(), self._door.encode()):
            return NOT_FOUND
        if self._job is None:
            return Answer(status=403, document={"message": "no job runs"})
        try:
            wanted = json.loads(asked.body)
            audience, root = str(wanted["claims"].get("aud", self._job.org_id)), wanted["root_issuer"] is True
        except (ValueError, KeyError, TypeError, AttributeError):
            return Answer(status=400, document={"message": "malformed request"})
        if root:
            return Answer(document={"token": self.give(self._job, audience).reveal()})
        other = self.token(self._job, audience, issuer=self.of_organisation(self._job))
        return Answer(document={"token": other.reveal()})
