# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Azure Pipelines. Jobs cannot choose the audience: every token is meant for Microsoft's own token exchange."""

from __future__ import annotations

from trustpub.trust.preset import UUID, Pin, Preset
from trustpub.trust.provider import SHARED_AUDIENCE_AGE, Terms

PRESET = Preset(
    kind="azure",
    title="Azure Pipelines",
    issuer_form="https://vstoken.dev.azure.com/ORGANISATION-UUID",
    issuer_pattern=rf"https://vstoken\.dev\.azure\.com/{UUID}",
    hosts=("vstoken.dev.azure.com",),
    pins=(
        Pin(
            name="organization_id",
            claim="org_id",
            title="Organisation's id",
            example="4f1d8b37-9a26-4c05-b3e8-6d7c2a0f5e91",
            immutable=True,
        ),
        Pin(
            name="project_id",
            claim="prj_id",
            title="Project's id",
            example="a2c6e0f4-7b19-4d83-8f5a-1e3b5d7c9f02",
            immutable=True,
        ),
        Pin(name="definition_id", claim="def_id", title="Pipeline definition's id", example="12", workload=True),
        Pin(
            name="repository_id",
            claim="rpo_id",
            title="Repository's id",
            example="e7b3a9d5-2c81-4f60-9d4e-8a0c6b2f1d73",
            required=False,
        ),
    ),
    filed_under=("project_id",),
    ref=(("rpo_ref", ""),),
    unchecked=("run_id",),
    kept_claims=("org_id", "prj_id", "def_id", "rpo_id", "rpo_ref", "run_id"),
    terms=Terms(max_age=SHARED_AUDIENCE_AGE, max_lifetime=3600),
    has_jti=True,
    fixed_audience=True,
    experimental=True,
    sources={
        "Fulcio #1803; Microsoft Learn, Azure Pipelines": (
            "org_id",
            "prj_id",
            "def_id",
            "rpo_id",
            "rpo_ref",
            "run_id",
        ),
    },
    notes=(
        "The audience of every token is `api://AzureADTokenExchange`.",
        (
            "Ask for the token without a service connection: with one, the subject and the form of the token are "
            "others, and tokens for service connections end on 1 July 2027."
        ),
    ),
    example={
        "iss": "https://vstoken.dev.azure.com/4f1d8b37-9a26-4c05-b3e8-6d7c2a0f5e91",
        "sub": "p://octo-org/sampleproject/release",
        "jti": "7c0b5e1f-3a92-4d68-b4f7-9e2d8c6a1053",
        "org_id": "4f1d8b37-9a26-4c05-b3e8-6d7c2a0f5e91",
        "prj_id": "a2c6e0f4-7b19-4d83-8f5a-1e3b5d7c9f02",
        "def_id": "12",
        "rpo_id": "e7b3a9d5-2c81-4f60-9d4e-8a0c6b2f1d73",
        "rpo_ref": "refs/heads/main",
        "run_id": "3456",
    },
)
