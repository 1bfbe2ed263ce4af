# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The identity is not one that is registered, and nothing says in what it differs."""

from __future__ import annotations

from trustpub.failures.failure import Failure, Symptom
from trustpub.failures.identity import refusal
from trustpub.failures.log import Log
from trustpub.printable import printable

_TELLING = (
    "repository", "repository_owner_id", "job_workflow_ref", "workflow_ref", "environment", "project_path",
    "ci_config_ref_uri", "email", "sub",
)  # fmt: skip


def _judge(log: Log) -> Symptom | None:
    seen = refusal(log)
    if not seen:
        return None
    told = [
        f"The job says {name}: {'(nothing)' if value is None else printable(value, 200)}."
        for name in _TELLING
        if name in log.claims
        for value in [log.claims[name]]
    ]
    return Symptom(seen=seen, told=tuple(told), certain=False)


FAILURE = Failure(
    ident="cause-not-told",
    title="The identity is not one that is registered, and nothing says in what it differs",
    cause=(
        "PyPI says the same of a wrong workflow, environment, repository or index. The claims of the job are in "
        "the log of most clients; the registered publisher only its owners can see."
    ),
    fix=(
        "Compare repository, workflow file and environment with the publisher on the index, letter by letter. "
        "Declare the publisher in pyproject.toml (`trustpub init`), and this says which field it is."
    ),
    judge=_judge,
    last=True,
)
