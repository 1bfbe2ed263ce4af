# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The publisher is registered for another environment, or for one where the job has none."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.identity import differing

FAILURE = Failure(
    ident="environment-differs",
    title="The publisher is registered for another environment, or for one where the job has none",
    cause=(
        "A publisher with an environment trusts only jobs that run in it. The job has none, or another one; an "
        "expression such as ${{ matrix.target }} may have become something else."
    ),
    fix=(
        "Put `environment: NAME` on the job that uploads, with the name that is registered; or register the "
        "publisher with the job's."
    ),
    says=(r"check failed for optional claim .?environment",),
    rules=(
        "TP103",
        "TP104",
        "TP105",
    ),
    judge=differing("environment"),
)
