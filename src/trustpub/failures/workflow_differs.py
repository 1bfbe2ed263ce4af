# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The publisher is registered for another workflow file."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.identity import differing

FAILURE = Failure(
    ident="workflow-differs",
    title="The publisher is registered for another workflow file",
    cause=(
        "The index compares the name of the file that runs the upload with the one that is registered. It was "
        "renamed, ends in .yaml where .yml is registered, or the upload moved to another file."
    ),
    fix=(
        "Register the file that uploads, or give it the name that is registered. `trustpub whoami` shows which "
        "one the job says it is."
    ),
    rules=("TP101",),
    judge=differing("workflow", "workflow_filepath", "job_workflow_ref", "ci_config_ref_uri"),
)
