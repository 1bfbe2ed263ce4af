# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Names differ only in their capitals."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.identity import differing

FAILURE = Failure(
    ident="letter-case",
    title="Names differ only in their capitals",
    cause=(
        "PyPI looks a repository up by its name exactly as typed in the form, though forges ignore case; "
        "environments on GitLab are compared exactly too."
    ),
    fix=("Register the name as its forge spells it: compare it letter by letter with what the job's identity says."),
    rules=("TP102",),
    judge=differing(
        "repository",
        "repository_owner",
        "namespace",
        "project",
        "project_path",
        "environment",
        meant=lambda one: one.only_in_case,
    ),
)
