# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow file that is registered is not the one that publishes."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, tables
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    for name, index in scene.declared.indexes.items():
        publisher = index.publisher
        if publisher is None or publisher.kind != "github" or "workflow" not in publisher.fields:
            continue
        wanted_file = publisher.fields["workflow"]
        own = [
            (job, step)
            for job, step in asking.asking(scene)
            if asking.declared_index(scene, step, job.target(step)) == name
        ]
        if any(job.workflow.name == wanted_file for job, _ in own):
            continue
        place, _ = tables.publisher_place(scene.pyproject_text, name, "workflow")
        if own:
            found = own[0][0].workflow.name
            yield RULE.at(
                own[0][1].place if own[0][1].file is own[0][0].file else own[0][0].place,
                f"{name} is told to expect {wanted_file}, but the upload step is in {found}",
                why=f"pyproject.toml declares the workflow {wanted_file}; the identity token will name {found}",
                fix=f"register {found} and declare it, or rename the file to {wanted_file}",
            )
        elif wanted_file not in scene.workflows:
            yield RULE.at(
                place,
                f"the workflow declared for {name}, {wanted_file}, does not exist",
                why="there is no such file in .github/workflows",
                fix="declare the file that publishes, and register that one",
            )


RULE = Rule(
    ident="TP101",
    severity=Severity.ERROR,
    title="another workflow file than the registered one publishes",
    confidence=Confidence.HIGH,
    explanation="The index compares the name of the workflow file in the identity token with the one that is "
    "registered. A file that was renamed, also from `.yml` to `.yaml`, is somebody else to it.",
    seen="invalid-publisher: valid token, but no corresponding publisher",
    fix="Register the file that publishes, and declare it; or give the file its registered name again.",
    example='# pyproject.toml: workflow = "release.yml"\n# .github/workflows/publish.yml\n- uses: '
    "pypa/gh-action-pypi-publish@release/v1",
    better="# .github/workflows/release.yml\n- uses: pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
