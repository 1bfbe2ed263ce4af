# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The upload token expired during the upload."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="token-ran-out",
    title="The upload token expired during the upload",
    cause="A token lives for fifteen minutes, and this release took longer.",
    fix=(
        "`trustpub publish` asks for a new one in time where the CI can vouch again; and uploads several files at once."
    ),
    says=(
        r"(?:upload )?token (?:has )?expired(?!.*identity)",
        r"expired token",
    ),
    likely=(r"403 .{0,80}invalid or non-existent authentication",),
)
