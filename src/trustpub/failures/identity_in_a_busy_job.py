# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""It works, and the job that may publish does more than that."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="identity-in-a-busy-job",
    title="It works, and the job that may publish does more than that",
    cause="What runs in a job with `id-token: write` can publish: builds, caches and actions of others among it.",
    fix="Build in one job, upload in another that only downloads the files and publishes them.",
    likely=(
        r"excessive-permissions",
        r"cache-poisoning",
    ),
    rules=(
        "TP203",
        "TP211",
        "TP311",
        "TP312",
    ),
)
