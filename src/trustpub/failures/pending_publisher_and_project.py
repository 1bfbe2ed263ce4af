# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A pending publisher was found, and the project exists already."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="pending-publisher-and-project",
    title="A pending publisher was found, and the project exists already",
    cause=(
        "A pending publisher makes a new project. Somebody, perhaps you with a token, made it first; PyPI then "
        "drops the pending one and refuses this once."
    ),
    fix=(
        "Run the job again. If it is refused still, register the publisher on the page of the project, not of "
        "the account."
    ),
    says=(
        r"invalid-pending-publisher",
        r"project already exists",
    ),
    rules=("TP151",),
)
