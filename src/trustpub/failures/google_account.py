# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The service account is not the one that is registered."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.identity import differing

FAILURE = Failure(
    ident="google-account",
    title="The service account is not the one that is registered",
    cause=(
        "Builds of Google Cloud run as the account that is named in them, else as a default one; a person's own "
        "login is no service account."
    ),
    fix="Set `serviceAccount:` in cloudbuild.yaml, and register its e-mail address and its unique id.",
    says=(
        r"check failed for required claim .?email",
        r"metadata server.{0,80}(?:404|refus|does not)",
    ),
    rules=("TP210",),
    judge=differing("email"),
)
