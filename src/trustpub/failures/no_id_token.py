# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The job may not ask for an identity token."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="no-id-token",
    title="The job may not ask for an identity token",
    cause=(
        "`permissions: id-token: write` is missing on the job that uploads. A job's own block replaces that of "
        "the workflow; that of a calling job is a ceiling."
    ),
    fix=(
        "Add to the job that uploads, and to the job that calls it if it is a reusable workflow:\n    "
        "permissions:\n      id-token: write"
    ),
    says=(
        r"ACTIONS_ID_TOKEN_REQUEST_(?:TOKEN|URL).{0,40}(?:unset|not set|missing)",
        r"missing or insufficient oidc token permissions",
        r"is the .?id-token: write.? permission missing",
        r"may not ask for an identity token",
    ),
    rules=(
        "TP201",
        "TP202",
    ),
)
