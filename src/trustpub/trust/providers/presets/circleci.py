# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""CircleCI. Every id is a UUID; the issuer is the organisation's own, or, with ``--root-issuer``, that of all."""

from __future__ import annotations

from trustpub.trust.preset import UUID, Demand, Pin, Preset
from trustpub.trust.provider import Terms

_NOT_A_UUID = "is not a UUID in lower case"

PRESET = Preset(
    kind="circleci",
    title="CircleCI",
    issuer_form="https://oidc.circleci.com or https://oidc.circleci.com/org/ORG-UUID",
    issuer_pattern=rf"https://oidc\.circleci\.com(?:/org/(?P<org_id>{UUID}))?",
    hosts=("oidc.circleci.com",),
    pins=(
        Pin(
            name="org_id",
            claim="oidc.circleci.com/org-id",
            title="Organisation id",
            example="5034460f-c7c4-4c43-9457-de07e2029e7b",
            immutable=True,
            form=UUID,
            form_says=_NOT_A_UUID,
        ),
        Pin(
            name="project_id",
            claim="oidc.circleci.com/project-id",
            title="Project id",
            example="6a7e2c3d-0b6f-4f0e-9d55-2f6a3f1c9e10",
            immutable=True,
            form=UUID,
            form_says=_NOT_A_UUID,
        ),
        Pin(
            name="pipeline_definition_id",
            claim="oidc.circleci.com/pipeline-definition-id",
            title="Pipeline definition id",
            example="0d6c9b4e-8f0a-45c2-8a57-3f4de1b0a6c2",
            workload=True,
            form=UUID,
            form_says=_NOT_A_UUID,
        ),
        Pin(
            name="context_id",
            claim="oidc.circleci.com/context-ids",
            title="Id of a context that the job must use",
            example="b2f1d7aa-5e6c-4c0e-a4c9-7d1f0f3f8a21",
            type="member",
            required=False,
            form=UUID,
            form_says=_NOT_A_UUID,
        ),
        Pin(
            name="vcs_origin",
            claim="oidc.circleci.com/vcs-origin",
            title="Repository",
            example="github.com/octo-org/sampleproject",
            required=False,
        ),
    ),
    filed_under=("project_id",),
    demands=(
        Demand(
            claim="oidc.circleci.com/ssh-rerun",
            allowed=(False,),
            absent=True,
            why="a job run again over SSH does what somebody types",
        ),
    ),
    ref=(("oidc.circleci.com/vcs-ref", ""),),
    unchecked=(
        "oidc.circleci.com/pipeline-id",
        "oidc.circleci.com/workflow-id",
        "oidc.circleci.com/job-id",
    ),
    kept_claims=(
        "oidc.circleci.com/project-id",
        "oidc.circleci.com/pipeline-definition-id",
        "oidc.circleci.com/vcs-origin",
        "oidc.circleci.com/vcs-ref",
        "oidc.circleci.com/job-id",
    ),
    terms=Terms(max_age=3600, max_lifetime=3600),
    sources={
        "circleci-docs 9734a14, OpenID Connect tokens": (
            "oidc.circleci.com/org-id",
            "oidc.circleci.com/project-id",
            "oidc.circleci.com/pipeline-definition-id",
            "oidc.circleci.com/pipeline-id",
            "oidc.circleci.com/workflow-id",
            "oidc.circleci.com/job-id",
            "oidc.circleci.com/context-ids",
            "oidc.circleci.com/ssh-rerun",
            "oidc.circleci.com/vcs-origin",
            "oidc.circleci.com/vcs-ref",
        ),
    },
    notes=(
        (
            "Publishing clients ask for a token of the root issuer (`circleci run oidc get --root-issuer`), CircleCI's "
            "own recipe for one of the organisation's issuer: register the one that your jobs use, or both, with a "
            "publisher each."
        ),
        "Pipelines started by a custom webhook say neither repository nor ref: what wants one refuses them.",
        "Builds of forks get tokens too where secrets are passed to them.",
    ),
    example={
        "iss": "https://oidc.circleci.com/org/5034460f-c7c4-4c43-9457-de07e2029e7b",
        "sub": "org/5034460f-c7c4-4c43-9457-de07e2029e7b/project/6a7e2c3d-0b6f-4f0e-9d55-2f6a3f1c9e10"
        "/user/c1a4b8de-93f0-4a37-b5d4-1e0d7c2f6b90",
        "oidc.circleci.com/org-id": "5034460f-c7c4-4c43-9457-de07e2029e7b",
        "oidc.circleci.com/project-id": "6a7e2c3d-0b6f-4f0e-9d55-2f6a3f1c9e10",
        "oidc.circleci.com/pipeline-definition-id": "0d6c9b4e-8f0a-45c2-8a57-3f4de1b0a6c2",
        "oidc.circleci.com/pipeline-id": "e8a51b60-27d9-4d2c-8e5f-90c3b6a7d414",
        "oidc.circleci.com/workflow-id": "7b3d5f18-4c6e-4b9a-b0a2-d86e1c9f2a55",
        "oidc.circleci.com/job-id": "f4c7e2a9-1d38-49b6-93e0-6b5a8d7c0e77",
        "oidc.circleci.com/context-ids": ["b2f1d7aa-5e6c-4c0e-a4c9-7d1f0f3f8a21"],
        "oidc.circleci.com/ssh-rerun": False,
        "oidc.circleci.com/vcs-origin": "github.com/octo-org/sampleproject",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
    },
)
