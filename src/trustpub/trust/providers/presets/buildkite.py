# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Buildkite. Its ``sub`` takes the form that a job asks for, so nothing is decided by it; ids are there on request."""

from __future__ import annotations

from trustpub.trust.preset import Pin, Preset
from trustpub.trust.provider import Terms

_ASK = "the job must ask for it, with BUILDKITE_OIDC_TOKEN_CLAIMS=organization_id,pipeline_id in its environment"

PRESET = Preset(
    kind="buildkite",
    title="Buildkite",
    issuer_form="https://agent.buildkite.com",
    issuer_pattern=r"https://agent\.buildkite\.com",
    hosts=("agent.buildkite.com",),
    pins=(
        Pin(name="organization", claim="organization_slug", title="Organisation's slug", example="octo-org"),
        Pin(name="pipeline", claim="pipeline_slug", title="Pipeline's slug", example="sampleproject", workload=True),
        Pin(
            name="step_key",
            claim="step_key",
            title="Key of the publishing step",
            example="publish",
            required=False,
            workload=True,
        ),
        Pin(
            name="organization_id",
            claim="organization_id",
            title="Organisation's id",
            example="1d0a3b52-7b1c-4a9f-8d3e-5c2f6e9a4b17",
            required=False,
            immutable=True,
            if_missing=_ASK,
        ),
        Pin(
            name="pipeline_id",
            claim="pipeline_id",
            title="Pipeline's id",
            example="9e4c7d20-3f58-4b6a-a1c7-0b8d5f2e6c93",
            required=False,
            immutable=True,
            if_missing=_ASK,
        ),
    ),
    filed_under=("organization", "pipeline"),
    ref=(("build_tag", "refs/tags/"), ("build_branch", "refs/heads/")),
    event="build_source",
    runner="runner_environment",
    unchecked=("build_commit", "job_id", "agent_id"),
    kept_claims=(
        "sub",
        "organization_slug",
        "pipeline_slug",
        "build_branch",
        "build_tag",
        "build_commit",
        "build_source",
        "step_key",
        "job_id",
    ),
    terms=Terms(max_age=3600, max_lifetime=3600),
    sources={
        "buildkite/docs 35cf029, agent oidc": (
            "organization_slug",
            "pipeline_slug",
            "organization_id",
            "pipeline_id",
            "build_branch",
            "build_tag",
            "build_commit",
            "build_source",
            "step_key",
            "job_id",
            "agent_id",
            "runner_environment",
        ),
    },
    notes=(
        (
            "The ids are in a token only when the job asks for them: set "
            "`BUILDKITE_OIDC_TOKEN_CLAIMS=organization_id,pipeline_id` in its environment, or give the agent "
            "`--claim organization_id,pipeline_id`."
        ),
        "Sources of a build, for rules on events: ui, api, webhook, trigger_job, schedule.",
        "For rules on the ref, a tag counts as `refs/tags/TAG` and a branch as `refs/heads/BRANCH`.",
    ),
    example={
        "iss": "https://agent.buildkite.com",
        "sub": "organization:octo-org:pipeline:sampleproject:ref:refs/heads/main",
        "organization_slug": "octo-org",
        "organization_id": "1d0a3b52-7b1c-4a9f-8d3e-5c2f6e9a4b17",
        "pipeline_slug": "sampleproject",
        "pipeline_id": "9e4c7d20-3f58-4b6a-a1c7-0b8d5f2e6c93",
        "build_branch": "main",
        "build_tag": "v1.0.0",
        "build_commit": "9f3182061f1e2cca4702c368cbc039b7dc9d4485",
        "build_source": "webhook",
        "step_key": "publish",
        "job_id": "018f4c3a-52d1-4e8b-9c7d-6a0b1f2e3d44",
        "agent_id": "018f4c3a-5c0e-4a77-8b21-d9e8c7f6a5b4",
        "runner_environment": "buildkite-hosted",
    },
)
