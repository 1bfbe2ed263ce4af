# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From a log to the failures in it."""

from __future__ import annotations

from dataclasses import dataclass

from trustpub.failures.failure import Failure, Symptom
from trustpub.failures.log import Log
from trustpub.failures.table import FAILURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A failure, and where it is to be seen."""

    failure: Failure
    symptom: Symptom


def explain(log: Log) -> tuple[Explanation, ...]:
    """The failures in ``log``: those that are certain first, then as the table has them. Empty if none is known."""
    found = [
        Explanation(failure=failure, symptom=symptom)
        for failure in FAILURES
        if (symptom := failure.find(log)) is not None
    ]
    better = [one for one in found if not one.failure.last] or found
    return tuple(sorted(better, key=lambda one: not one.symptom.certain))
