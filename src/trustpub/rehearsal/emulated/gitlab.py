# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitLab's identity provider, emulated: one token to a variable, made when the job starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.ci.gitlab import variables
from trustpub.rehearsal.emulated.issuer import Form, Issuer
from trustpub.secret import Secret

LIFETIME = 3600
"""Seconds from ``iat`` to ``exp``: the time-out of a job, which is an hour where nobody set another."""
BACKDATED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineJob:
    """A job of a pipeline, with all that GitLab would vouch for."""

    project_path: str
    """``group/project``, or deeper."""
    project_id: str
    namespace_id: str
    file: str = ".gitlab-ci.yml"
    """Path of the pipeline's configuration in the project."""
    environment: str | None = None
    source: str = "push"
    """What started the pipeline."""
    ref: str = "refs/heads/main"
    """Whole."""
    ref_protected: bool = True
    sha: str = "0" * 40
    pipeline_id: str = "301"
    job_id: str = "4001"

    def claims(self, issuer: str) -> dict[str, Any]:
        """Its claims, as GitLab names and forms them. ``ci_config_ref_uri`` begins with the issuer's host."""
        namespace, _, _ = self.project_path.rpartition("/")
        kind = "tag" if self.ref.startswith("refs/tags/") else "branch"
        name = self.ref.split("/", 2)[-1]
        claims: dict[str, Any] = {
            "sub": f"project_path:{self.project_path}:ref_type:{kind}:ref:{name}",
            "project_id": self.project_id,
            "project_path": self.project_path,
            "project_visibility": "public",
            "namespace_id": self.namespace_id,
            "namespace_path": namespace,
            "user_id": "11",
            "user_login": "releaser",
            "user_email": "releaser@example.test",
            "user_access_level": "maintainer",
            "groups_direct": [namespace],
            "pipeline_id": self.pipeline_id,
            "pipeline_source": self.source,
            "job_id": self.job_id,
            "job_project_id": self.project_id,
            "job_project_path": self.project_path,
            "job_namespace_id": self.namespace_id,
            "job_namespace_path": namespace,
            "job_source": self.source,
            "ref": name,
            "ref_type": kind,
            "ref_path": self.ref,
            "ref_protected": str(self.ref_protected).lower(),
            "runner_id": 1,
            "runner_environment": "gitlab-hosted",
            "sha": self.sha,
            "ci_config_ref_uri": f"{issuer.partition('://')[2]}/{self.project_path}//{self.file}@{self.ref}",
            "ci_config_sha": self.sha,
        }
        if self.environment is not None:
            claims |= {
                "environment": self.environment, "environment_protected": "false", "environment_action": "start",
                "deployment_tier": "production",
            }  # fmt: skip
        return claims


class GitLabIssuer(Issuer):
    """An emulated GitLab."""

    jwks_path = "/oauth/discovery/keys"

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        super().__init__(Form(lifetime=LIFETIME, backdated=BACKDATED), clock=clock, watch=watch)

    def variables(self, job: PipelineJob, audience: str) -> Mapping[str, Secret]:
        """The identity token that ``job`` is started with, by the name of its variable."""
        return {variables(audience)[0]: self.give(job, audience)}
