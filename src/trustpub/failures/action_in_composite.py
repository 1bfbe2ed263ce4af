# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The publish action was called from a composite action."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="action-in-composite",
    title="The publish action was called from a composite action",
    cause=(
        "Inside of one, GitHub tells it the name and version of the wrong action, and it looks for an image "
        "that nobody made."
    ),
    fix="Call it from the workflow itself.",
    says=(r"unable to find image .?ghcr\.io/(?!pypa/)",),
    rules=("TP302",),
)
