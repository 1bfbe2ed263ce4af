# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The subject of the identity was customised, and the index reads it."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="custom-subject",
    title="The subject of the identity was customised, and the index reads it",
    cause=(
        "An organisation may write its own template for `sub`, and repositories made since July 2026 have ids "
        "in it. An index that takes `sub` apart refuses both."
    ),
    fix=(
        "Ask the index to compare the claims of their own (repository, owner id, workflow) instead; until then "
        "take the organisation's template back."
    ),
    says=(r"check failed for required claim .?sub\b",),
)
