# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Another pending publisher has the same repository, workflow and environment."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="pending-publisher-taken",
    title="Another pending publisher has the same repository, workflow and environment",
    cause=(
        "PyPI keeps one pending publisher for an identity, whatever the project: a repository with several new "
        "projects has to publish them one after the other."
    ),
    fix=(
        "Publish the first project, then register the next; or give each its own environment. An index that "
        "trustpub runs takes several."
    ),
    says=(r"pending trusted publisher matching this configuration has already been registered",),
)
