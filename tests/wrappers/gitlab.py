# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitLab, as far as a CI/CD component can tell: inputs filled in, and the job's script run as its runner does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trustpub.rehearsal.issuers import GitLabIssuer, PipelineJob

_WHOLE = re.compile(r"\s*\$\[\[\s*inputs\.([a-z0-9_-]+)\s*\]\]\s*\Z")
_WITHIN = re.compile(r"\$\[\[\s*inputs\.([a-z0-9_-]+)\s*\]\]")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_TYPES: Mapping[str, type] = {"string": str, "boolean": bool, "number": int, "array": list}


class PipelineError(Exception):
    """No pipeline is made: what was given is not what the component takes."""


def include(template: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that ``include:`` with these inputs comes to."""
    header, body = yaml.safe_load_all(template.read_text(encoding="utf-8"))
    known = header["spec"]["inputs"]
    if unknown := sorted(set(given) - set(known)):
        raise PipelineError(f"unknown input arguments: {', '.join(unknown)}")
    inputs: dict[str, Any] = {}
    for name, about in known.items():
        if name not in given and "default" not in about:
            raise PipelineError(f"`{name}` input: required value has not been provided")
        value = given.get(name, about.get("default"))
        if type(value) is not _TYPES[about.get("type", "string")]:
            raise PipelineError(f"`{name}` input: provided value is not a {about.get('type', 'string')}")
        if "options" in about and value not in about["options"]:
            raise PipelineError(f"`{name}` input: `{value}` cannot be used because it is not in the list of options")
        inputs[name] = value
    filled = _filled(body, inputs)
    assert isinstance(filled, dict)
    return filled


def _filled(node: Any, inputs: Mapping[str, Any]) -> Any:
    """A value that is an input and nothing else keeps its type; within a text it becomes text."""
    if isinstance(node, dict):
        return {_filled(key, inputs): _filled(value, inputs) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(one, inputs) for one in node]
    if not isinstance(node, str):
        return node
    if whole := _WHOLE.match(node):
        return inputs[whole[1]]
    return _WITHIN.sub(lambda found: _text(inputs[found[1]]), node)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a job ended."""

    code: int
    log: str


def run(
    definition: Mapping[str, Any], folder: Path, *, shell: str, issuer: GitLabIssuer, job: PipelineJob,
    variables: Mapping[str, str], id_tokens: bool = True,
) -> Ran:  # fmt: skip
    """Run a job of the configuration in ``folder``, where the artifacts of the jobs before lie already.

    ``variables`` are those of the project's settings.
    """
    predefined = {
        "CI": "true", "GITLAB_CI": "true", "CI_COMMIT_TAG": "v1.0", "CI_PROJECT_DIR": str(folder),
        "CI_PROJECT_PATH": job.project_path, "CI_PROJECT_ID": job.project_id, "CI_SERVER_URL": issuer.url,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent / "home"), "TMPDIR": str(folder.parent / "tmp"),
    }  # fmt: skip
    Path(predefined["TMPDIR"]).mkdir(exist_ok=True)
    known = {**predefined, **variables}
    own = {name: _variable(value, known) for name, value in definition["variables"].items()}
    asked = definition["id_tokens"].items() if id_tokens else ()
    tokens = {name: issuer.give(job, about["aud"]).reveal() for name, about in asked}
    script = "\n".join([*definition["before_script"], *definition["script"]])
    options = "set -eo pipefail; set +o noclobber" if shell == "bash" else "set -e"
    done = subprocess.run(
        [shell, "-c", f'{options}\n: | eval "$1"', shell, script], cwd=folder, stdin=subprocess.DEVNULL,
        env={**predefined, **own, **tokens, **variables}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert list(Path(predefined["TMPDIR"]).iterdir()) == []
    return Ran(code=done.returncode, log=done.stdout + done.stderr)


def _variable(value: Any, known: Mapping[str, str]) -> str:
    """One variable of a job; in its value others are put in, unless it says that `$` means itself."""
    expand = True
    if isinstance(value, dict):
        expand, value = value.get("expand", True), value["value"]
    assert isinstance(value, str), "GitLab takes text as the value of a variable"
    if not expand:
        return value
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[2], ""), value)
