# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The upload runs in a reusable workflow."""

from __future__ import annotations

from trustpub.failures.failure import Failure, Symptom
from trustpub.failures.identity import refusal
from trustpub.failures.log import Log, file_of


def _judge(log: Log) -> Symptom | None:
    called, started = log.claims.get("job_workflow_ref"), log.claims.get("workflow_ref")
    seen = refusal(log)
    if not seen or called is None or started is None or called.partition("@")[0] == started.partition("@")[0]:
        return None
    told = f"The run was started as {file_of(started)} and uploads in {called.partition('@')[0]}."
    return Symptom(seen=seen, told=(told,))


FAILURE = Failure(
    ident="reusable-workflow",
    title="The upload runs in a reusable workflow",
    cause=(
        "The identity names two files: the one that was started and the one that is called. PyPI looks only at "
        "the called one, which must be in the same repository; attestations name the calling one, so that no "
        "registration fits both."
    ),
    fix=(
        "Move the job that uploads into the workflow that is started. On an index that trustpub runs, register "
        "the called workflow, the calling one, or both (`--calling-workflow`)."
    ),
    says=(r"calling workflow is a reusable workflow",),
    rules=("TP106",),
    judge=_judge,
)
