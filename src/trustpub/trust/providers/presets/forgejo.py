# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Forgejo Actions. Its ids are documented, its other claims are not in the documents at hand."""

from __future__ import annotations

from trustpub.trust.preset import Pin, Preset
from trustpub.trust.provider import Terms

_NUMBER = r"[1-9][0-9]{0,19}"
_NOT_A_NUMBER = "is not a number, as Forgejo's ids are"

PRESET = Preset(
    kind="forgejo",
    title="Forgejo Actions",
    issuer_form="https://HOST/api/actions",
    issuer_pattern=r"https://[^/]+(?:/.+)?/api/actions",
    pins=(
        Pin(
            name="repository_id",
            claim="repository_id",
            title="Repository's id",
            example="456789",
            immutable=True,
            form=_NUMBER,
            form_says=_NOT_A_NUMBER,
        ),
        Pin(
            name="owner_id",
            claim="repository_owner_id",
            title="Owner's id",
            example="123456",
            immutable=True,
            form=_NUMBER,
            form_says=_NOT_A_NUMBER,
        ),
    ),
    filed_under=("repository_id",),
    more_claims="the claim of your tokens that names the workflow, as a JSON Pointer with its value in JSON",
    unchecked=("actor_id",),
    kept_claims=("repository_id", "repository_owner_id", "sub"),
    terms=Terms(max_age=3600, max_lifetime=3600),
    experimental=True,
    sources={
        "Forgejo commit #12355, immutable identifiers in the tokens of Actions": (
            "repository_id",
            "repository_owner_id",
            "actor_id",
        ),
    },
    notes=(
        "Needs a Forgejo that writes ids into its tokens (commit #12355).",
        (
            "The documents at hand name no claim for the workflow. Look at a token of yours, and add the claim that "
            "does to the publisher, as `--field '/CLAIM=\"VALUE\"'`; without one it is not registered."
        ),
        "Jobs get their token as on GitHub, and every client that knows GitHub finds it.",
    ),
    example={
        "iss": "https://forgejo.example.org/api/actions",
        "sub": "repo:my-org-123456/my-repo-456789:ref:refs/heads/main",
        "repository_id": "456789",
        "repository_owner_id": "123456",
        "actor_id": "112233",
    },
    example_more={"/sub": '"repo:my-org-123456/my-repo-456789:ref:refs/heads/main"'},
)
