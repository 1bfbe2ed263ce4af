# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A runner of GitHub's, as far as a composite action can tell.

It reads ``action.yml``, runs the steps under bash with the variables and the files of a real one, carries out the
commands that they write, and keeps the log as people see it: a mask holds from its line on, and for no line before.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .expressions import Scene, fill, holds

_COMMAND = re.compile(r"\s*::([a-zA-Z-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)", re.DOTALL)
_SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"],
    "sh": ["sh", "-e"],
}
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


@dataclass(kw_only=True)
class Job:
    """A job at work: what its steps see, and what they did."""

    folder: Path
    """Of the runner; the workspace, the temporary folder and the tool cache are below."""
    env: dict[str, str]
    """What the job sets, the permission to ask for identity tokens among it."""
    secrets: tuple[str, ...] = ()
    """What the log never shows."""
    log: list[str] = field(default_factory=list)
    annotations: list[tuple[str, str]] = field(default_factory=list)
    """Kind (``error``, ``warning``, ``notice``) and text, masked."""
    summary: str = ""
    raw: list[str] = field(default_factory=list)
    """Every line that a step wrote, before anything was masked; no person sees these."""
    masks: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    watch: Callable[[subprocess.Popen[bytes], str], None] | None = None
    """Told every line of the log at the moment it appears, with the process of the step."""

    def __post_init__(self) -> None:
        self.masks |= set(self.secrets)
        for place in (self.workspace, self.temporary, self.tools):
            place.mkdir(parents=True, exist_ok=True)

    @property
    def workspace(self) -> Path:
        return self.folder / "work" / "hello" / "hello"

    @property
    def temporary(self) -> Path:
        return self.folder / "work" / "_temp"

    @property
    def tools(self) -> Path:
        return self.folder / "tools"

    @property
    def shown(self) -> str:
        """The whole log."""
        return "\n".join(self.log)

    def masked(self, text: str) -> str:
        for secret in sorted(self.masks - {""}, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def variables(self, action: Path, files: Mapping[str, Path]) -> dict[str, str]:
        """Those of a step of ``action``."""
        path = os.pathsep.join([*reversed(self.paths), self.env.get("PATH", os.environ["PATH"])])
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION": "__self",
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REPOSITORY": "acme/hello",
            "GITHUB_SERVER_URL": "https://github.com",
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": str(self.temporary),
            "RUNNER_TOOL_CACHE": str(self.tools),
            "HOME": str(self.folder / "home"),
            **self.env,
            "PATH": path,
            **{name: str(file) for name, file in files.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How an action ended."""

    ok: bool
    outputs: Mapping[str, str]
    """Of the action, as the steps after it see them."""
    steps: Mapping[str, Mapping[str, Any]]


def use(job: Job, action: Path, given: Mapping[str, str] | None = None) -> Done:
    """``uses: ./action`` with ``given`` as its ``with:``."""
    document = yaml.safe_load((action / "action.yml").read_text(encoding="utf-8"))
    assert document["runs"]["using"] == "composite"
    known: Mapping[str, Any] = document.get("inputs") or {}
    unknown = [name for name in given or {} if name not in known]
    if unknown:
        _annotate(job, "warning", f"Unexpected input(s) {unknown}, valid inputs are {list(known)}")
    inputs = {name: str(about.get("default", "")) for name, about in known.items()} | dict(given or {})
    steps: dict[str, Any] = {}
    status = "success"
    contexts = {
        "inputs": inputs,
        "steps": steps,
        "env": job.env,
        "github": {"action_path": str(action), "workspace": str(job.workspace)},
        "runner": {"os": "Linux", "arch": "X64", "temp": str(job.temporary)},
    }
    for number, step in enumerate(document["runs"]["steps"]):
        name = step.get("id", f"__{number}")
        scene = Scene(contexts=contexts, status=status)
        if not holds(step.get("if"), scene):
            steps[name] = {"outputs": {}, "outcome": "skipped", "conclusion": "skipped"}
            continue
        code, outputs = _run(job, action, step, Scene(contexts=contexts, status=status))
        outcome = "failure" if code else "success"
        conclusion = "success" if step.get("continue-on-error") else outcome
        steps[name] = {"outputs": outputs, "outcome": outcome, "conclusion": conclusion, "code": code}
        if conclusion == "failure":
            status = "failure"
    scene = Scene(contexts=contexts, status=status)
    outputs = {name: fill(str(about["value"]), scene) for name, about in (document.get("outputs") or {}).items()}
    return Done(ok=status == "success", outputs=outputs, steps=steps)


def _run(job: Job, action: Path, step: Mapping[str, Any], scene: Scene) -> tuple[int, Mapping[str, str]]:
    files = {name: job.temporary / f"{name.lower()}_{uuid.uuid4()}" for name in _FILES}
    for file in files.values():
        file.touch()
    text = fill(step["run"], scene)
    own = {name: fill(str(value), scene) for name, value in (step.get("env") or {}).items()}
    _show(job, f"##[group]Run {text.splitlines()[0]}", *text.splitlines(), "env:")
    _show(job, *(f"  {name}: {value}" for name, value in own.items()), "##[endgroup]")
    script = job.temporary / f"{uuid.uuid4()}.sh"
    script.write_text(text, encoding="utf-8")
    environment = job.variables(action, files) | own
    process = subprocess.Popen(
        [*_SHELLS[step["shell"]], str(script)], cwd=step.get("working-directory", job.workspace), env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        _read(job, process)
        code = process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    script.unlink()
    if code:
        _annotate(job, "error", f"Process completed with exit code {code}.")
    job.env.update(_pairs(files["GITHUB_ENV"]))
    job.paths += files["GITHUB_PATH"].read_text(encoding="utf-8").split("\n")[:-1]
    job.summary += job.masked(files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"))
    outputs = _pairs(files["GITHUB_OUTPUT"])
    for file in files.values():
        file.unlink()
    return code, outputs


def _read(job: Job, process: subprocess.Popen[bytes]) -> None:
    """Every line at the moment it is written: a mask holds from its line on, and not before."""
    assert process.stdout is not None
    stopped: str | None = None
    clock = threading.Timer(120, process.kill)
    clock.start()
    with process.stdout as stream:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            job.raw.append(text)
            found = _COMMAND.fullmatch(text)
            if stopped is not None:
                if text.strip() == f"::{stopped}::":
                    stopped = None
                else:
                    _show(job, text)
            elif found is None:
                _show(job, text)
            elif found[1].lower() == "stop-commands":
                stopped = found[3]
            else:
                _obey(job, found[1].lower(), _plain(found[3]))
            if job.watch is not None:
                job.watch(process, text)
    clock.cancel()


def _obey(job: Job, command: str, value: str) -> None:
    if command == "add-mask":
        job.masks |= {value, *(line for line in value.splitlines() if line)}
    elif command in ("error", "warning", "notice"):
        _annotate(job, command, value)
    elif command == "debug":
        return
    elif command in ("group", "endgroup"):
        _show(job, f"##[{command}]{value}")
    else:  # among these are set-output and set-env, which runners refuse
        raise AssertionError(f"a runner knows no command {command}")


def _annotate(job: Job, kind: str, text: str) -> None:
    job.annotations.append((kind, job.masked(text)))
    _show(job, f"##[{kind}]{text}")


def _show(job: Job, *lines: str) -> None:
    job.log += [job.masked(line) for line in lines]


def _plain(value: str) -> str:
    return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _pairs(file: Path) -> dict[str, str]:
    """What a step wrote into a file of outputs or variables: ``name=value``, or ``name<<WORD``, lines, ``WORD``."""
    found: dict[str, str] = {}
    lines = iter(file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if not line:
            continue
        first = re.search(r"=|<<", line)
        assert first is not None, f"Invalid format {line!r}"
        name, rest = line[: first.start()], line[first.end() :]
        if first[0] == "=":
            found[name] = rest
            continue
        inside: list[str] = []
        for below in lines:
            if below == rest:
                break
            inside.append(below)
        else:
            raise AssertionError(f"Matching delimiter not found {rest!r}")
        found[name] = "\n".join(inside)
    return found
