# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Semaphore. Jobs cannot choose the audience, which is the organisation's address."""

from __future__ import annotations

from trustpub.trust.preset import Demand, Pin, Preset
from trustpub.trust.provider import SHARED_AUDIENCE_AGE, Terms

PRESET = Preset(
    kind="semaphore",
    title="Semaphore",
    issuer_form="https://ORGANISATION.semaphoreci.com",
    issuer_pattern=r"https://[a-z0-9-]+\.semaphoreci\.com",
    hosts=(".semaphoreci.com",),
    pins=(
        Pin(
            name="organization_id",
            claim="org_id",
            title="Organisation's id",
            example="b8f6d2a4-1c3e-4f50-9a7b-e0d2c4f61835",
            immutable=True,
        ),
        Pin(
            name="project_id",
            claim="prj_id",
            title="Project's id",
            example="1e1fcfb5-09c0-487e-b051-2d0b5514c42a",
            immutable=True,
        ),
        Pin(
            name="ref_type",
            claim="ref_type",
            title="Kind of ref: branch, tag or pull-request",
            example="tag",
            workload=True,
        ),
    ),
    filed_under=("project_id",),
    demands=(Demand(claim="job_type", allowed=("pipeline_job",), why="a debug job does what somebody types"),),
    event="trg",
    kept_claims=("org_id", "prj_id", "ref_type", "job_type", "trg"),
    terms=Terms(max_age=SHARED_AUDIENCE_AGE),
    has_jti=True,
    fixed_audience=True,
    experimental=True,
    sources={
        "Semaphore's documentation 2bf23f5, OpenID Connect token reference": (
            "org_id",
            "prj_id",
            "ref_type",
            "job_type",
            "trg",
        ),
    },
    notes=(
        "The audience of every token is the address of the organisation: `https://ORGANISATION.semaphoreci.com`.",
        "No claim at hand names the pipeline or its file: with `ref_type=tag` at least, only tags publish.",
        "The job's one token, `SEMAPHORE_OIDC_TOKEN`, is made when it starts: publish within ten minutes.",
    ),
    example={
        "iss": "https://octo-org.semaphoreci.com",
        "sub": "org:octo-org:project:1e1fcfb5-09c0-487e-b051-2d0b5514c42a:repo:web:ref_type:tag:ref:refs/tags/v1.0.0",
        "jti": "2s557dchalv2mv76kk000el1",
        "org_id": "b8f6d2a4-1c3e-4f50-9a7b-e0d2c4f61835",
        "prj_id": "1e1fcfb5-09c0-487e-b051-2d0b5514c42a",
        "ref_type": "tag",
        "job_type": "pipeline_job",
    },
)
