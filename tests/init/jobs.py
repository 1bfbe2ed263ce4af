# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The shell parts of what init writes, run as the platforms run them.

Nothing is fetched: the ``python`` of a job is ours, where trustpub is installed and projects are built without an
environment of their own. All else that a job runs is what it says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trustpub.workflow.generate import table
from trustpub.workflow.generate.answers import Answers

_PYTHON = """\
#!/usr/bin/env bash
case "$*" in
  "-m pip install --require-hashes "*) test -f "${@: -1}"; exit ;;
  "-m pip install "*trustpub*) exit ;;
  "-m build"*) exec "$REAL" "$@" --no-isolation ;;
  "-m trustpub serve "*) exec "$REAL" "$@" --rehearsal ;;
  "-m trustpub admin publisher add "*)
    "$REAL" -m trustpub admin issuer add "$ISSUER" --kind "$KIND" --data "$TRUSTPUB_DATA" >&2
    exec "$REAL" "$@" --issuer "$ISSUER" ;;
esac
exec "$REAL" "$@"
"""
"""An index believes the emulated platform only where it is told to, and has to be told which one that is."""
_GH = '#!/usr/bin/env bash\necho "$*" >> "$CALLS"\n'
_STATE = '#!/usr/bin/env bash\necho "$*" >> "$CALLS"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where a job runs."""

    place: Path
    """A folder for all that is not the project's."""
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> str:
        """How the programs were called that cannot run here: gh and the State Tool, a line for each time."""
        path = self.place / "calls"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def told(self, name: str) -> dict[str, str]:
        """What a job wrote into a file of GitHub's, such as GITHUB_OUTPUT."""
        lines = (self.place / name).read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def run(
        self, script: str, folder: Path, *, under: tuple[str, ...] = ("bash", "-e"), code: int = 0, **env: str
    ) -> str:
        """What ``script`` says, run in ``folder`` as GitHub does, ``bash -e FILE``; it must end with ``code``."""
        programs = self.place / "programs"
        for name, text in {"python": _PYTHON, "gh": _GH, "state": _STATE}.items():
            programs.mkdir(parents=True, exist_ok=True)
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)
        path = self.place / "script.sh"
        path.write_text(script, encoding="utf-8")
        for name in ("GITHUB_OUTPUT", "GITHUB_ENV"):
            (self.place / name).touch()
        known = {
            "PATH": f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "REAL": sys.executable, "CALLS": str(self.place / "calls"), "PIP_TARGET": str(self.place / "installed"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "GITHUB_OUTPUT": str(self.place / "GITHUB_OUTPUT"),
            "GITHUB_ENV": str(self.place / "GITHUB_ENV"), **self.env, **env,
        }  # fmt: skip
        done = subprocess.run(
            [*under, str(path)], cwd=folder, env={**os.environ, **known}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


def step(made: Answers, job: str, name: str) -> Mapping[str, Any]:
    """A step of a GitHub job."""
    document = yaml.load(table.files(made)[0].text, yaml.CSafeLoader)
    found: Mapping[str, Any] = next(one for one in document["jobs"][job]["steps"] if one.get("name") == name)
    return found
