# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`id-token: write` for every job of a workflow."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Workflow


def _check(scene: Scene) -> Iterator[Finding]:
    by_workflow: dict[str, list[Job]] = {}
    for job in asking.asking_jobs(scene):
        by_workflow.setdefault(job.workflow.name, []).append(job)
    for name, asks in by_workflow.items():
        workflow = scene.workflows[name]
        granted = workflow.document.get("permissions")
        if len(workflow.jobs) < 2 or mapping(granted).get("id-token") != "write":
            continue
        yield RULE.at(
            workflow.file.key(granted, "id-token"),
            f"every job of {workflow.name} may get an identity token, not only the one that publishes",
            fix=f"move `id-token: write` to jobs.{asks[0].name}.permissions",
            edits=_moved(workflow, asks),
        )


def _moved(workflow: Workflow, asks: list[Job]) -> tuple[Edit, ...] | None:
    granted = workflow.document["permissions"]
    file = workflow.file
    if len(granted) > 1:
        edits = editing.drop(file, granted, "id-token")
    else:
        colon = file.text.find(":", workflow.document.keys_at["permissions"].end)  # type: ignore[attr-defined]
        edits = (Edit(path=file.path, start=colon + 1, end=granted.spot.end, text=" {}"),)
    for job in asks:
        if "permissions" in job.value:
            continue
        own = asking.grant(job)
        edits = None if edits is None or own is None else (*edits, *own)
    return edits


RULE = Rule(
    ident="TP203",
    severity=Severity.WARNING,
    title="`id-token: write` for the whole workflow",
    confidence=Confidence.HIGH,
    explanation="Every job, and every action in it, can then ask for an identity token in the name of this workflow. "
    "Where the publisher has no environment, that is enough to publish.",
    fix="Give `id-token: write` to the publishing job only.",
    example="permissions:\n  id-token: write\njobs:\n  build: ...\n  publish: ...",
    better="permissions: {}\njobs:\n  build: ...\n  publish:\n    permissions:\n      id-token: write",
    fixes=True,
    check=_check,
)
