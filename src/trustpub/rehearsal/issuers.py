# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every identity provider that can be emulated on this machine, by its kind."""

from __future__ import annotations

from trustpub.rehearsal.emulated.activestate import ActiveStateIssuer, Artifact
from trustpub.rehearsal.emulated.github import BACKDATED, LIFETIME, GitHubIssuer, Run
from trustpub.rehearsal.emulated.gitlab import GitLabIssuer, PipelineJob
from trustpub.rehearsal.emulated.google import Account, GoogleIssuer
from trustpub.rehearsal.emulated.issuer import Answer, Asked, Form, Issuer, Workload

__all__ = (
    "BACKDATED",
    "LIFETIME",
    "Account",
    "ActiveStateIssuer",
    "Answer",
    "Artifact",
    "Asked",
    "Form",
    "GitHubIssuer",
    "GitLabIssuer",
    "GoogleIssuer",
    "Issuer",
    "PipelineJob",
    "Run",
    "Workload",
)
