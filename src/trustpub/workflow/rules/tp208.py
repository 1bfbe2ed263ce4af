# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A GitLab job whose identity token no tool finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.workflow import editing, gitlab_scene
from trustpub.workflow.documents import mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.gitlab import GitLabJob, variables_for
from trustpub.workflow.located import Place
from trustpub.workflow.scene import File, Scene

_AS_PASSWORD = re.compile(r"(?:-p|--password|--token)[= ]+[\"']?\$\{?(?P<name>\w*ID_TOKEN)\b")
_PASSWORDS = ("TWINE_PASSWORD", "UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD", "HATCH_INDEX_AUTH", "FLIT_PASSWORD")


def _check(scene: Scene) -> Iterator[Finding]:
    file = scene.gitlab
    if file is None:
        return
    for name, place, job in gitlab_scene.jobs(scene):
        own = file.document.get(name)
        given = _as_password(job.lines, mapping(mapping(own).get("variables")))
        if given is not None:
            yield RULE.at(
                place,
                f"job {name!r} gives the identity token {given} to {job.tools[0]} as a password",
                why="an identity token is shown to the index in exchange for an upload token; it is none itself",
                seen="403 Invalid or non-existent authentication information",
                fix="take the password out: the tool finds the variable and exchanges it",
            )
        elif not job.found_by_tools and not _other_credential(job.lines, mapping(mapping(own).get("variables"))):
            yield _not_found(file, name, place, job)


def _not_found(file: File, name: str, place: Place, job: GitLabJob) -> Finding:
    audience = next((one for audiences in job.tokens.values() for one in audiences if one != "sigstore"), None)
    audience = audience or ("testpypi" if job.test_index else "pypi")
    wanted_name = variables_for(audience)[0]
    given = [one for one, audiences in job.tokens.items() if audiences == (audience,)]
    tokens = mapping(file.document.get(name)).get("id_tokens")
    edits = editing.rename(file, tokens, given[0], wanted_name) if given else None
    if not job.tokens:
        said = f"GitLab gives job {name!r} no identity token: it has no `id_tokens:`"
    elif given:
        said = f"no tool finds the identity token of job {name!r} in {given[0]}: for {audience!r} it is {wanted_name}"
    else:
        said = f"no identity token of job {name!r} is for {audience!r} alone"
    return RULE.at(
        place if not given else file.key(tokens, given[0], place),
        said,
        fix=f"write into the job: `id_tokens: {{{wanted_name}: {{aud: {audience}}}}}`",
        edits=edits,
        severity=None if job.tokens else Severity.WARNING,
    )


def _as_password(lines: tuple[str, ...], variables_of_job: Mapping[str, Any]) -> str | None:
    for line in lines:
        if (match := _AS_PASSWORD.search(line)) is not None:
            return match["name"]
    for key in _PASSWORDS:
        value = str(variables_of_job.get(key, ""))
        if "ID_TOKEN" in value:
            return value.strip("${}")
    return None


def _other_credential(lines: tuple[str, ...], variables_of_job: Mapping[str, Any]) -> bool:
    """GitLab's own package registry takes the job's token; a password may also come from the project's settings."""
    text = " ".join([*lines, *(f"{key}={value}" for key, value in variables_of_job.items())])
    return re.search(r"CI_JOB_TOKEN|PASSWORD|PYPI_TOKEN|API_TOKEN|--token|\s-p\s|\.pypirc", text) is not None


RULE = Rule(
    ident="TP208",
    severity=Severity.ERROR,
    title="GitLab: no identity token, or none that is found",
    confidence=Confidence.HIGH,
    explanation="GitLab puts an identity token into the variable that `id_tokens:` names. Tools look for it under a "
    "name that follows from the audience: `PYPI_ID_TOKEN` for `pypi`, `TESTPYPI_ID_TOKEN` for `testpypi`.",
    seen="No TESTPYPI_ID_TOKEN environment variable found",
    fix="Name the variable after the audience that the index asks for, one audience each.",
    example="publish:\n  id_tokens:\n    PYPI_ID_TOKEN:\n      aud: testpypi\n  script: [twine upload -r testpypi "
    "dist/*]",
    better="publish:\n  id_tokens:\n    TESTPYPI_ID_TOKEN:\n      aud: testpypi\n  script: [twine upload -r testpypi "
    "dist/*]",
    fixes=True,
    check=_check,
)
