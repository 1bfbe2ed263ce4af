# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The identity token is for another index."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="wrong-audience",
    title="The identity token is for another index",
    cause=(
        "Every index asks for tokens with its own audience, so that one index cannot use them at another. The "
        "job asked for that of another, as PyPI's for TestPyPI."
    ),
    fix=(
        "Ask the index for its audience (`/_/oidc/audience`) and request that one; `trustpub publish` does "
        "both. On GitLab, set `aud:` and the variable's name to fit."
    ),
    says=(
        r"audience .{0,80}(?:is not|isn.t|does not match|doesn.t match|invalid)",
        r"invalid audience",
        r"is not for the audience that was asked for",
    ),
    rules=("TP208",),
)
