# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The identity token was used before."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="token-reused",
    title="The identity token was used before",
    cause=(
        "An identity token is good for one exchange. A job of GitLab has one for its whole life, so that a "
        "second client in the same job, or a second try, shows it again."
    ),
    fix=(
        "Let the job exchange once: hand the token that was minted to whatever else needs one (`trustpub mint "
        "-- COMMAND`). Elsewhere ask the CI for a new identity token."
    ),
    says=(
        r"invalid-reuse-token",
        r"identity token was used already",
        r"already used\b",
    ),
)
