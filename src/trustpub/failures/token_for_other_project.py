# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The token is for other projects than the one in the files."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="token-for-other-project",
    title="The token is for other projects than the one in the files",
    cause=(
        "A token is good for the projects of one publisher. The name in the files is not the registered one, or "
        "the job uploads several projects of which not all are registered with this identity. The first token "
        "of a pending publisher makes the project that was registered, not the one in the files."
    ),
    fix=(
        "Compare the name in the metadata with the registered one, and register the same identity for every "
        "project that the job uploads."
    ),
    says=(
        r"oidc scoped token is not valid for project",
        r"non-user identities cannot create new projects",
        r"the token is not for this project",
    ),
    rules=("TP107",),
)
