# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A project that is not on the index yet, or cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow.findings import Confidence, Finding, Rule, Severity, nothing
from trustpub.workflow.located import Place
from trustpub.workflow.scene import Scene


def absent(scene: Scene, index: str, place: Place) -> Iterator[Finding]:
    """The project is not on ``index``."""
    # Only those who ask an index wait for these.
    from trustpub.packages.names import normalize
    from trustpub.packages.stdlib import MODULES

    name = scene.project or ""
    if normalize(name) in MODULES:
        yield RULE.at(
            place,
            f"{index} takes no project called {name!r}: it is a module of Python's own library",
            fix="give the project another name",
        )
        return
    yield RULE.at(
        place,
        f"the project {name!r} is not on {index} yet",
        why="a publisher of a project is added on the project's page, which does not exist",
        seen="invalid-publisher: valid token, but no corresponding publisher",
        severity=Severity.ADVICE,
        fix="register a pending publisher, on your account's page; the name is not reserved until the first upload",
    )


RULE = Rule(
    ident="TP151",
    severity=Severity.ERROR,
    title="the project is not on the index",
    confidence=Confidence.HIGH,
    explanation="For a project that exists a publisher is registered with the project; for one that does not, a "
    "pending one with the account. A pending publisher does not reserve the name. Looked at with `--online`.",
    seen="invalid-pending-publisher: valid token, but project already exists",
    fix="Use the form for what is there.",
    example='[project]\nname = "json"',
    better='[project]\nname = "demo"',
    check=nothing,
)
