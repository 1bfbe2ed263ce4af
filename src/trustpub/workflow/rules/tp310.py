# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An input that the PyPI action does not know, or knows under an old name."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_INPUTS = frozenset(
    {
        "user", "password", "repository-url", "packages-dir", "verify-metadata", "skip-existing", "verbose",
        "print-hash", "attestations",
    }
)  # fmt: skip


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for step in job.publishing:
            if not asking.with_pypi_action(step):
                continue
            for name in step.given:
                better = name.lower().replace("_", "-")
                if name.lower() in _INPUTS:
                    continue
                known = better in _INPUTS
                yield RULE.at(
                    step.file.key(step.given, name, step.place),
                    f"the PyPI action calls {name!r} {better!r} now"
                    if known
                    else f"the PyPI action has no input {name!r}",
                    seen="The inputs have been normalized to use kebab-case." if known else None,
                    fix=f"write {better}" if known else f"take {name} out",
                    edits=editing.rename(step.file, step.given, name, better) if known else None,
                )


RULE = Rule(
    ident="TP310",
    severity=Severity.WARNING,
    title="an unknown or old input",
    confidence=Confidence.HIGH,
    explanation="An input that an action does not know is ignored with a warning that nobody reads; old names will go.",
    seen="Unexpected input(s) 'repository', valid inputs are ...",
    fix="Write the input as the action's documentation has it.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    packages_dir: out/",
    better="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    packages-dir: out/",
    fixes=True,
    check=_check,
)
