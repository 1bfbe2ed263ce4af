# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The repository has the name that is registered and another id."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.identity import differing

FAILURE = Failure(
    ident="repository-recreated",
    title="The repository has the name that is registered and another id",
    cause=(
        "Ids are never given twice: the account or the repository was deleted and made again, by you or by "
        "somebody else who took the name, or the publisher was registered with a wrong id."
    ),
    fix=(
        "Make sure that the repository is still in the right hands. Only then remove the publisher and register "
        "it anew."
    ),
    judge=differing("repository_id", "owner_id", "repository_owner_id", "project_id", "namespace_id"),
)
