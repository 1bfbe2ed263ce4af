# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The PyPI action inside a composite action."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene
from trustpub.workflow.uploads import PYPI_ACTION


def _check(scene: Scene) -> Iterator[Finding]:
    for file in scene.actions.values():
        runs_of = mapping(file.document.get("runs"))
        steps = runs_of.get("steps")
        for number, step in enumerate(steps if isinstance(steps, list) else ()):
            uses = mapping(step).get("uses")
            if not isinstance(uses, str) or not uses.lower().startswith(f"{PYPI_ACTION}@"):
                continue
            yield RULE.at(
                file.value(steps, number),
                f"the PyPI action is used inside the composite action {file.path}",
                why="it looks for its container image under the name of the action that it runs in, which is yours",
                fix="use it in the workflow's job itself",
            )


RULE = Rule(
    ident="TP302",
    severity=Severity.ERROR,
    title="the PyPI action inside a composite action",
    confidence=Confidence.HIGH,
    explanation="Inside a composite action GitHub tells the PyPI action the wrong repository, and so it asks for an "
    "image that does not exist.",
    seen="Unable to find image 'ghcr.io/<your-org>/<your-repo>:v1.4.0' locally",
    fix="Use the PyPI action in the job. A composite action may prepare the files.",
    example="# .github/actions/publish/action.yml\nruns:\n  using: composite\n  steps:\n    - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    better="# .github/workflows/release.yml\nsteps:\n  - uses: ./.github/actions/prepare\n  - uses: "
    "pypa/gh-action-pypi-publish@release/v1",
    check=_check,
)
