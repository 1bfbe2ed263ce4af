# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index does not know who vouches for this job."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="issuer-unknown",
    title="The index does not know who vouches for this job",
    cause=("The identity token is from a provider, or from a self-managed instance, that the index does not believe."),
    fix=(
        "On an index of your own, register the issuer (`trustpub admin issuer add`). PyPI knows GitHub, "
        "gitlab.com, Google and ActiveState, and self-managed GitLab only for organisations."
    ),
    says=(
        r"unknown trusted publishing issuer",
        r"issuer .{0,200}is not (?:known|believed)",
    ),
    rules=("TP209",),
)
