# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The repository was renamed or moved after the publisher was registered."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.identity import differing

FAILURE = Failure(
    ident="repository-renamed",
    title="The repository was renamed or moved after the publisher was registered",
    cause=(
        "Forges redirect the web and git to the new name, and put the new name into identity tokens; a run that "
        "is run again keeps the old one. After a move the id of the owner is another as well."
    ),
    fix="Register the new name. If a run of before the change was repeated, start a new one.",
    rules=(
        "TP102",
        "TP150",
    ),
    judge=differing(
        "repository", "repository_owner", "namespace", "project", "project_path", meant=lambda one: not one.only_in_case
    ),
)
