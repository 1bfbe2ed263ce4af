# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every identity provider that an index knows, emulated on this machine, and for each a job that it vouches for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trustpub.rehearsal.emulated.activestate import ActiveStateIssuer, Artifact
from trustpub.rehearsal.emulated.described import FORMS, Described, DescribedIssuer, example
from trustpub.rehearsal.emulated.github import BACKDATED, LIFETIME, GitHubIssuer, Run
from trustpub.rehearsal.emulated.gitlab import GitLabIssuer, PipelineJob
from trustpub.rehearsal.emulated.google import Account, GoogleIssuer
from trustpub.rehearsal.emulated.issuer import Answer, Form, Issuer, Workload
from trustpub.rehearsal.listening import Asked
from trustpub.secret import Secret
from trustpub.trust.issuers import PROVIDERS

__all__ = (
    "BACKDATED",
    "FORMS",
    "LIFETIME",
    "Account",
    "ActiveStateIssuer",
    "Answer",
    "Artifact",
    "Asked",
    "Described",
    "DescribedIssuer",
    "Form",
    "GitHubIssuer",
    "GitLabIssuer",
    "GoogleIssuer",
    "Issuer",
    "PipelineJob",
    "Run",
    "Workload",
    "emulate",
    "example_job",
)


def emulate(kind: str, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> Issuer:
    """The emulated provider of this ``kind``, listening (see :class:`Issuer`).

    Raises:
        KeyError: no such kind.
    """
    own: Mapping[str, Callable[..., Issuer]] = {
        "activestate": ActiveStateIssuer, "github": GitHubIssuer, "gitlab": GitLabIssuer, "google": GoogleIssuer,
    }  # fmt: skip
    if kind in own:
        return own[kind](clock=clock, watch=watch)
    return DescribedIssuer(kind, clock=clock, watch=watch)


def example_job(kind: str) -> Workload:
    """The job that a publisher with the kind's example fields means.

    Raises:
        KeyError: no such kind.
    """
    fields = PROVIDERS[kind].example_fields
    if kind == "github":
        return Run(
            repository=fields["repository"], repository_id=fields["repository_id"], owner_id=fields["owner_id"],
            workflow=fields["workflow"], environment=fields["environment"], ref="refs/tags/v1",
        )  # fmt: skip
    if kind == "gitlab":
        return PipelineJob(
            project_path=f"{fields['namespace']}/{fields['project']}", project_id=fields["project_id"],
            namespace_id=fields["namespace_id"], file=fields["workflow_filepath"], environment=fields["environment"],
            ref="refs/tags/v1",
        )  # fmt: skip
    if kind == "google":
        return Account(email=fields["email"], sub=fields["sub"])
    if kind == "activestate":
        return Artifact(
            organization=fields["organization"], project=fields["project"], actor="sample-user",
            actor_id=fields["actor_id"],
        )  # fmt: skip
    return example(kind)
