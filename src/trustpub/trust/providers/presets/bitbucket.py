# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Bitbucket Pipelines. Its ``sub`` differs in every run, so only the repository can be told."""

from __future__ import annotations

from trustpub.trust.preset import UUID, Pin, Preset
from trustpub.trust.provider import Terms

PRESET = Preset(
    kind="bitbucket",
    title="Bitbucket Pipelines",
    issuer_form="https://api.bitbucket.org/2.0/workspaces/WORKSPACE/pipelines-config/identity/oidc",
    issuer_pattern=r"https://api\.bitbucket\.org/2\.0/workspaces/[A-Za-z0-9_-]+/pipelines-config/identity/oidc",
    hosts=("api.bitbucket.org",),
    pins=(
        Pin(
            name="repository_uuid",
            claim="repositoryUuid",
            title="Repository's UUID, in braces",
            example="{8c5a2f0e-6b1d-4e7c-9f3a-d2b4c6e8a017}",
            immutable=True,
            form=rf"\{{{UUID}\}}",
            form_says="is not a UUID in lower case and braces",
        ),
    ),
    filed_under=("repository_uuid",),
    kept_claims=("repositoryUuid", "sub"),
    terms=Terms(max_age=3600, max_lifetime=3600),
    experimental=True,
    sources={"Atlassian's blog and support pages, excerpts; Fulcio #1257": ("repositoryUuid",)},
    notes=(
        "Name the index's audience in the step: `oidc: audiences: [AUDIENCE]`, and no other beside it.",
        (
            "The documents at hand name no claim for the pipeline or step, so every step of the repository that asks "
            "for a token can publish. To allow one deployment environment only, look at a token of yours, and add the "
            "claim that names it, as `--field '/CLAIM=\"VALUE\"'`."
        ),
        "The workspace is in the issuer, and only there: register the issuer of your own workspace.",
        "Bitbucket publishes the keys of a workspace only after the first step with `oidc` has run in it.",
    ),
    example={
        "iss": "https://api.bitbucket.org/2.0/workspaces/octo-org/pipelines-config/identity/oidc",
        "sub": "{3d7e9b15-0c42-4f8a-b6d1-7a5e2c9f4830}",
        "repositoryUuid": "{8c5a2f0e-6b1d-4e7c-9f3a-d2b4c6e8a017}",
    },
)
