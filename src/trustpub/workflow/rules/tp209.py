# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A CI whose identity PyPI does not know."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, gitlab_scene
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    found = scene.repository
    if found is None or found.host is None:
        return
    if found.host not in ("github.com", "gitlab.com") and not _known(scene, found.host):
        for job, step in asking.asking(scene):
            if "github" in found.host and job.target(step).of_pypi:
                yield RULE.at(
                    step.place if step.file is job.file else job.place,
                    f"PyPI takes no identity from {found.host}, and job {job.name!r} publishes there",
                )
    if scene.gitlab is None or found.host in ("github.com", "gitlab.com") or _known(scene, found.host):
        return
    for name, place, found_job in gitlab_scene.jobs(scene):
        audiences = [one for several in found_job.tokens.values() for one in several]
        if "pypi" in audiences or "testpypi" in audiences:
            yield RULE.at(place, f"PyPI takes no identity from {found.host}, and job {name!r} publishes there")


def _known(scene: Scene, host: str) -> bool:
    """Whether a publisher is declared with that host as issuer: then the index was told of it."""
    publishers = [index.publisher for index in scene.declared.indexes.values()]
    return any(one is not None and one.issuer is not None and host in one.issuer for one in publishers)


RULE = Rule(
    ident="TP209",
    severity=Severity.ERROR,
    title="an issuer that the index does not know",
    confidence=Confidence.MEDIUM,
    explanation="PyPI accepts identity tokens of github.com, gitlab.com, Google Cloud and ActiveState; of a GitLab "
    "or GitHub server of one's own only for organisations that arranged it.",
    seen="invalid-payload: unknown trusted publishing issuer",
    fix="Publish from a CI that PyPI knows, or to an index of your own that is told of the issuer, and declare that "
    "issuer with the publisher.",
    example="# git remote: https://gitlab.example.com/acme/demo.git\npublish:\n  id_tokens:\n    "
    "PYPI_ID_TOKEN:\n      aud: pypi",
    better="# git remote: https://gitlab.com/acme/demo.git\npublish:\n  id_tokens:\n    PYPI_ID_TOKEN:\n      aud: "
    "pypi",
    check=_check,
)
