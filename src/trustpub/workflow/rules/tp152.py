# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index that knows no publisher for this job."""

from __future__ import annotations

from trustpub.workflow.findings import Confidence, Finding, Rule, Severity, nothing
from trustpub.workflow.located import Place


def refused(place: Place, index: str, reasons: str) -> Finding:
    """The index said no, with ``reasons``."""
    return RULE.at(place, f"{index} knows no publisher for this job: {reasons}")


RULE = Rule(
    ident="TP152",
    severity=Severity.ERROR,
    title="the index knows no publisher for this job",
    confidence=Confidence.HIGH,
    explanation="With `--index` and in a CI job, or with `--identity-token`, the doctor shows the job's identity "
    "token to an index of trustpub's own and asks what an exchange would give. Nothing is given out or used up.",
    seen="invalid-publisher: valid token, but no corresponding publisher",
    fix="Register the publisher with the fields that `trustpub whoami` shows.",
    example="# no publisher is registered",
    better="# trustpub admin publisher add demo --kind github ...",
    check=nothing,
)
