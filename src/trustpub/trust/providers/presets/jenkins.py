# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Jenkins with its plugin oidc-provider. No id outlives a rename: trust in a job is trust in that Jenkins."""

from __future__ import annotations

from trustpub.trust.preset import Pin, Preset
from trustpub.trust.provider import Terms

PRESET = Preset(
    kind="jenkins",
    title="Jenkins (plugin oidc-provider)",
    issuer_form="https://JENKINS/oidc, the issuer of a folder, or what the credential overrides it with",
    issuer_pattern=r".+",
    pins=(
        Pin(
            name="subject",
            claim="sub",
            title="Subject: the address of the job",
            example="https://jenkins.example.org/job/release/",
            workload=True,
        ),
    ),
    filed_under=("subject",),
    unchecked=("build_number",),
    kept_claims=("sub", "build_number"),
    terms=Terms(array_audience=True, max_age=3600, max_lifetime=3600),
    sources={"jenkinsci/oidc-provider-plugin b5cde45, read in code": ("sub", "build_number")},
    notes=(
        (
            "Who administers the Jenkins, or the folder whose issuer it is, decides what every claim says: trust in a "
            "job is trust in all of them. Prefer an issuer per folder."
        ),
        "Set the audience in the credential; a credential without one has an empty audience, which is refused.",
        (
            "`sub` is the address of the job unless the administrator gave it another template. There is no id in it: "
            "a job made anew under the same address is the same publisher."
        ),
    ),
    example={
        "iss": "https://jenkins.example.org/oidc",
        "sub": "https://jenkins.example.org/job/release/",
        "build_number": "42",
    },
)
