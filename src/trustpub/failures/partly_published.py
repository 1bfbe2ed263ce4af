# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Some files of the release are up, and others are not."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="partly-published",
    title="Some files of the release are up, and others are not",
    cause="Every job of a matrix uploads by itself, a run was cancelled, or the connection broke in the middle.",
    fix=(
        "Gather all files in one job that uploads them, with `cancel-in-progress: false`. To finish this one, "
        "publish the same files again."
    ),
    says=(r"not on the index:",),
    likely=(r"the operation was canceled",),
    rules=(
        "TP507",
        "TP508",
    ),
)
