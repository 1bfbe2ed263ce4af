# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow was started by pull_request_target."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="pull-request-target",
    title="The workflow was started by pull_request_target",
    cause=(
        "Such a run has the rights of the repository and the code of a stranger. PyPI, and every index that "
        "trustpub runs, refuse to publish from it."
    ),
    fix="Publish from a pushed tag or a published release.",
    says=(
        r"pull_request_target.{0,40}not supported",
        r"invoked via .?pull_request_target",
    ),
    rules=("TP204",),
)
