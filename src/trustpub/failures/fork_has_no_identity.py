# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A pull request from a fork gets no identity."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="fork-has-no-identity",
    title="A pull request from a fork gets no identity",
    cause="GitHub gives none to it, whatever its permissions, since anybody can open one.",
    fix=(
        "Publish from a push, a tag or a release of the repository itself, and guard the job: `if: "
        "github.repository == 'OWNER/NAME'`."
    ),
    says=(r"pull request (?:on|from) a fork",),
    rules=(
        "TP109",
        "TP204",
    ),
)
