# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""No publisher on this index is this job."""

from __future__ import annotations

from trustpub.failures.failure import Failure, Symptom
from trustpub.failures.identity import refusal
from trustpub.failures.log import Log


def _judge(log: Log) -> Symptom | None:
    """Nothing differs from what the project declares, and still there is nobody."""
    seen = refusal(log)
    if not seen or log.publisher is None or not log.claims or log.differences():
        return None
    return Symptom(seen=seen, told=("The job is whom the project declares: it is the index that does not know it.",))


FAILURE = Failure(
    ident="nothing-registered",
    title="No publisher on this index is this job",
    cause=(
        "PyPI, TestPyPI and every other index have their own publishers: one that is registered on another does "
        "nothing here. A pending one for a project that exists does nothing either."
    ),
    fix=(
        "Register the identity on the index that the upload goes to. `trustpub whoami --index NAME` shows what to type."
    ),
    rules=(
        "TP151",
        "TP152",
    ),
    judge=_judge,
)
