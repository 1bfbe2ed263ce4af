# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`uv publish` that may silently go without an identity."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import asking, uploads
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.located import value_spot
from trustpub.workflow.scene import Scene, Step

_TOLD = re.compile(r"--trusted-publishing[= ](?:always|never)")


def _check(scene: Scene) -> Iterator[Finding]:
    table = mapping(mapping(scene.pyproject.get("tool")).get("uv"))
    if table.get("trusted-publishing") in ("always", "never"):
        return
    for job, step in asking.asking(scene):
        line = uploads.line_of(step.value)
        if not line.startswith("uv publish") or _TOLD.search(line):
            continue
        variables = (mapping(step.value.get("env")), *job.variables)
        if any("UV_TRUSTED_PUBLISHING" in one for one in variables):
            continue
        yield RULE.at(
            step.file.key(step.value, "run", step.place),
            f"`uv publish` in job {job.name!r} does not say why it got no identity token",
            fix="write `uv publish --trusted-publishing always`",
            edits=_said(step),
        )


def _said(step: Step) -> tuple[Edit, ...] | None:
    spot = value_spot(step.value, "run")
    if spot is None:
        return None
    at = step.file.text.find("uv publish", spot.start, spot.end)
    if at < 0:
        return None
    end = at + len("uv publish")
    return (Edit(path=step.file.path, start=end, end=end, text=" --trusted-publishing always"),)


RULE = Rule(
    ident="TP206",
    severity=Severity.WARNING,
    title="`uv publish` without `--trusted-publishing always`",
    confidence=Confidence.HIGH,
    explanation="By default uv tries Trusted Publishing, hides why it did not work, and then asks for credentials. A "
    "dry run even succeeds without any.",
    seen="Missing credentials for https://upload.pypi.org/legacy/",
    fix="Say `--trusted-publishing always`, and the real reason is shown.",
    example="- run: uv publish",
    better="- run: uv publish --trusted-publishing always",
    fixes=True,
    check=_check,
)
