# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow waits for an event that another workflow made."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="event-of-github-token",
    title="The workflow waits for an event that another workflow made",
    cause="What a workflow does with GITHUB_TOKEN starts no other one: a release or tag made by it is silence.",
    fix="Upload in the workflow that makes the release, after it did; or start this one with `gh workflow run`.",
    likely=(
        r"no (?:runs|workflow runs) (?:found|for)",
        r"nothing (?:happened|ran|was published) (?:after|when)",
    ),
    rules=(
        "TP501",
        "TP502",
        "TP503",
        "TP504",
    ),
)
