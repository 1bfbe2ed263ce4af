# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""It works, and the publisher trusts more than it needs to."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="publisher-without-environment",
    title="It works, and the publisher trusts more than it needs to",
    cause=(
        "The job runs in an environment, and the publisher is registered without one: any job of the workflow "
        "could publish."
    ),
    fix="Register it anew with the environment, which PyPI's mail has a button for.",
    says=(
        r"constrain (?:this |the )?(?:trusted )?publisher",
        r"published without .{0,20}environment being configured",
    ),
    rules=("TP104",),
)
