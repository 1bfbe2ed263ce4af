# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Google Cloud Build, as far as a step with a script can tell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_SUBSTITUTION = re.compile(r"_[A-Z0-9_]+\Z")
_KNOWN = frozenset({"substitutions", "options", "steps", "timeout", "serviceAccount", "tags"})
_KNOWN_OF_STEP = frozenset({"id", "name", "script", "env", "automapSubstitutions", "dir", "timeout", "waitFor"})


class InvalidBuild(Exception):
    """The build is not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """How a build ended."""

    code: int
    log: str


def submit(config: Path, given: Mapping[str, str], workspace: Path, machine: Mapping[str, str]) -> Built:
    """Run the steps of ``config`` one after another in ``workspace``, until one fails.

    ``machine`` are variables of the network that the build runs in.
    """
    build = yaml.safe_load(config.read_text(encoding="utf-8"))
    if unknown := set(build) - _KNOWN:
        raise InvalidBuild(f"unknown fields: {unknown}")
    declared: Mapping[str, Any] = build.get("substitutions", {})
    for name, value in {**declared, **given}.items():
        if not _SUBSTITUTION.match(name) or not isinstance(value, str):
            raise InvalidBuild(f"invalid value for 'build.substitutions': {name}")
    if unknown := set(given) - set(declared):
        raise InvalidBuild(f"keys in the substitutions that are not in the template: {unknown}")
    log = ""
    for step in build["steps"]:
        ended = _run(step, {**declared, **given}, workspace, machine)
        log += ended.stdout + ended.stderr
        if ended.returncode:
            return Built(code=ended.returncode, log=log)
    return Built(code=0, log=log)


def _run(
    step: Mapping[str, Any], substitutions: Mapping[str, str], workspace: Path, machine: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Nothing is put into the text of a script: substitutions reach it as variables, where it asks for that."""
    if unknown := set(step) - _KNOWN_OF_STEP:
        raise InvalidBuild(f"unknown fields of a step: {unknown}")
    script = workspace.parent / "script"
    script.write_text(step["script"], encoding="utf-8")
    script.chmod(0o755)
    mapped = substitutions if step.get("automapSubstitutions") else {}
    (workspace.parent / "tmp").mkdir(exist_ok=True)
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": "/builder/home", "TMPDIR": str(workspace.parent / "tmp"),
        "BUILDER_OUTPUT": "/builder/outputs", **machine, **mapped,
    }  # fmt: skip
    ended = subprocess.run(
        [str(script)], cwd=workspace / step.get("dir", ""), env=env, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=180, check=False,
    )  # fmt: skip
    assert list((workspace.parent / "tmp").iterdir()) == []
    return ended
