# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publishing job that may also write elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for job in asking.asking_jobs(scene):
        granted = job.granted
        if granted == "write-all":
            place = job.file.value(job.value, "permissions", job.place)
            yield RULE.at(place, f"job {job.name!r} may get an identity token and write to everything")
            continue
        if not asking.may_identify(granted):
            continue
        others = [str(name) for name, value in mapping(granted).items() if value == "write" and name != "id-token"]
        others = [name for name in others if name != "attestations"]
        if others:
            yield RULE.at(
                job.file.key(granted, others[0], job.place),
                f"job {job.name!r} may get an identity token and also write to {', '.join(others)}",
                fix=f"do what needs {', '.join(others)} in another job",
            )


RULE = Rule(
    ident="TP211",
    severity=Severity.WARNING,
    title="more permissions than publishing needs",
    confidence=Confidence.HIGH,
    explanation="Whatever gets hold of this job can publish, and change the repository as well, tags and releases "
    "included.",
    fix="Keep `id-token: write` alone in the publishing job, and make the GitHub release in a job after it.",
    example="publish:\n  permissions:\n    id-token: write\n    contents: write",
    better="publish:\n  permissions:\n    id-token: write\nrelease:\n  needs: publish\n  permissions:\n    contents: "
    "write",
    check=_check,
)
