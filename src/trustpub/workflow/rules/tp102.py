# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The repository that is registered is not this one."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import tables
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    if scene.repository is None or scene.repository.path is None:
        return
    for name, index in scene.declared.indexes.items():
        publisher = index.publisher
        if publisher is None:
            continue
        if publisher.kind == "github" and scene.repository.host == "github.com":
            declared, key = publisher.fields.get("repository", ""), "repository"
        elif publisher.kind == "gitlab" and scene.repository.host == "gitlab.com":
            declared = f"{publisher.fields.get('namespace', '')}/{publisher.fields.get('project', '')}"
            key = "project" if declared.rpartition("/")[0] == scene.repository.path.rpartition("/")[0] else "namespace"
        else:
            continue
        found = scene.repository.path
        if declared in ("", found):
            continue
        place, spot = tables.publisher_place(scene.pyproject_text, name, key)
        case = declared.lower() == found.lower()
        yield RULE.at(
            place,
            f"the repository declared for {name} is {declared}, and this is {found}",
            why="they differ in capital letters, which PyPI's look-up minds" if case else "as the git remote says",
            fix=f"declare {found}, and register that",
            edits=tables.put(spot, found) if key == "repository" else None,
        )


RULE = Rule(
    ident="TP102",
    severity=Severity.ERROR,
    title="another repository than the registered one",
    confidence=Confidence.HIGH,
    explanation="Identity tokens carry the repository's name of today, in its exact case. After a rename or a "
    "transfer git and the web follow the old name, and the index does not.",
    seen="invalid-publisher: valid token, but no corresponding publisher",
    fix="Register the repository's name of today and declare that.",
    example='repository = "old-name/demo"  # git remote: github.com/acme/demo',
    better='repository = "acme/demo"',
    fixes=True,
    check=_check,
)
