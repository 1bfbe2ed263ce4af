# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Buildkite's identity provider, emulated: the claims of a job, and the agent's way to a token."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.rehearsal.emulated.issuer import NOT_FOUND, Answer
from trustpub.rehearsal.listening import Asked
from trustpub.secret import Secret

_API = "/v3"
IDS = ("organization_id", "pipeline_id")
"""Claims that are in a token only where the job asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildkiteJob:
    """A job of a build, with all that Buildkite would vouch for."""

    organization: str
    """Slug."""
    pipeline: str
    """Slug."""
    organization_id: str
    pipeline_id: str
    step_key: str = "publish"
    branch: str = "main"
    tag: str | None = None
    commit: str = "0" * 40
    source: str = "webhook"
    job_id: str = "018f4c3a-52d1-4e8b-9c7d-6a0b1f2e3d44"
    agent_id: str = "018f4c3a-5c0e-4a77-8b21-d9e8c7f6a5b4"
    asked_for: tuple[str, ...] = IDS
    """Which of :data:`IDS` the job asked for."""

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as Buildkite names and forms them, the same under any issuer."""
        ref = f"refs/heads/{self.branch}" if self.tag is None else f"refs/tags/{self.tag}"
        claims = {
            "sub": f"organization:{self.organization}:pipeline:{self.pipeline}:ref:{ref}:commit:{self.commit}"
            f":step:{self.step_key}",
            "organization_slug": self.organization,
            "pipeline_slug": self.pipeline,
            "build_branch": self.branch,
            "build_commit": self.commit,
            "build_source": self.source,
            "step_key": self.step_key,
            "job_id": self.job_id,
            "agent_id": self.agent_id,
            "runner_environment": "buildkite-hosted",
        }
        if self.tag is not None:
            claims["build_tag"] = self.tag
        ids = {"organization_id": self.organization_id, "pipeline_id": self.pipeline_id}
        return claims | {name: value for name, value in ids.items() if name in self.asked_for}


class BuildkiteIssuer(DescribedIssuer):
    """An emulated Buildkite."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        self._job: BuildkiteJob | None = None
        self.access_token = Secret(secrets.token_urlsafe(32))
        """What the agent shows for the job (``BUILDKITE_AGENT_ACCESS_TOKEN``)."""
        super().__init__("buildkite", clock=clock, watch=watch)

    @property
    def endpoint(self) -> str:
        """Where the agent asks (``BUILDKITE_AGENT_ENDPOINT``)."""
        return self.origin + _API

    def serve(self, job: BuildkiteJob) -> None:
        """From now on the job that asks is this one."""
        self._job = job

    def door(self, asked: Asked) -> Answer:
        """The agent API's way to a token."""
        if self._job is None or asked.method != "POST" or asked.path != f"{_API}/jobs/{self._job.job_id}/oidc/tokens":
            return NOT_FOUND
        scheme, _, shown = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Token" or not hmac.compare_digest(shown.encode(), self.access_token.reveal().encode()):
            return Answer(status=401, document={"message": "Unauthorized"})
        try:
            wanted = json.loads(asked.body)
            audience, claims = wanted.get("audience"), tuple(map(str, wanted.get("claims") or ()))
        except (ValueError, TypeError, AttributeError):
            return Answer(status=422, document={"message": "malformed request"})
        who = replace(self._job, asked_for=claims)
        made = self.give(who, str(audience or f"https://buildkite.com/{self._job.organization}"))
        return Answer(document={"token": made.reveal()})
