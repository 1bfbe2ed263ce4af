# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index takes no attestation here."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="attestation-not-supported",
    title="The index takes no attestation here",
    cause=(
        "PyPI takes them only with a token of Trusted Publishing, from GitHub, GitLab and Google, and for "
        "wheels and .tar.gz; other indexes may take none at all."
    ),
    fix="Upload without (`--attestations off`), or from where they are supported.",
    says=(
        r"has no associated attestations",
        r"attestations.{0,40}not currently supported with",
        r"only pypi and testpypi support attestations",
    ),
    rules=("TP308",),
)
