# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An upload URL that cannot be uploaded to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustpub.workflow import editing
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/\s]+)(?P<path>/[^\s?#]*)?\Z", re.IGNORECASE)
_RIGHT = {
    "pypi.org": "https://upload.pypi.org/legacy/",
    "www.pypi.org": "https://upload.pypi.org/legacy/",
    "upload.pypi.org": "https://upload.pypi.org/legacy/",
    "pypi.python.org": "https://upload.pypi.org/legacy/",
    "test.pypi.org": "https://test.pypi.org/legacy/",
    "testpypi.python.org": "https://test.pypi.org/legacy/",
    "upload.test.pypi.org": "https://test.pypi.org/legacy/",
}


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for step in job.publishing:
            target = job.target(step)
            tool = "" if step.publication is None else step.publication.tool
            if target.given is None or tool.startswith("trustpub"):
                continue
            match = _URL.match(target.given)
            if match is None:
                continue
            host = match["host"].lower()
            right = _RIGHT.get(host)
            plain = match["scheme"].lower() == "http" and not host.startswith(("localhost", "127.", "[::1]"))
            if (right is None and not plain) or (right is not None and target.given.rstrip("/") == right.rstrip("/")):
                continue
            better = right or "https" + target.given[4:]
            holder = step.given if target.key in step.given else mapping(step.value.get("env"))
            key = target.key or ""
            yield RULE.at(
                step.file.value(holder, key, step.place),
                f"job {job.name!r} uploads to {target.given}, which takes no uploads",
                why=None if right else "credentials are not sent over plain HTTP",
                severity=None if right else Severity.WARNING,
                fix=f"write {better}",
                edits=editing.put(step.file, holder, key, better) if right else None,
            )


RULE = Rule(
    ident="TP306",
    severity=Severity.ERROR,
    title="a wrong upload URL",
    confidence=Confidence.HIGH,
    explanation="PyPI is read at pypi.org and uploaded to at upload.pypi.org; TestPyPI has one host for both. Other "
    "addresses answer with errors that do not say so.",
    seen="413 Request Entity Too Large",
    fix="Write the upload URL, or leave it out for PyPI.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    repository-url: https://pypi.org/legacy/",
    better="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    repository-url: "
    "https://upload.pypi.org/legacy/",
    fixes=True,
    check=_check,
)
