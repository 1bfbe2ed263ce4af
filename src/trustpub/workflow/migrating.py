# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow that publishes with a stored token, changed into one that publishes as itself: by no more than that takes.

The token is taken out wherever it is given (an input, a variable, an option, a tool's configuration), the job gets
`id-token: write` and an environment, and a client that knows no Trusted Publishing is replaced by one that does.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.version import Version

from trustpub import __version__
from trustpub.errors import Misuse
from trustpub.printable import printable, quoted
from trustpub.workflow import asking, documents, editing, pins, scene
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Edit
from trustpub.workflow.generate.actions import PINS
from trustpub.workflow.located import key_spot, value_spot
from trustpub.workflow.read import WORKFLOWS
from trustpub.workflow.scene import Job, Scene, Step, Workflow
from trustpub.workflow.uploads import PYPI_ACTION

CLIENT = f'pipx run --spec "trustpub=={__version__}" trustpub publish'
"""What publishes in the place of a client that cannot: runners of GitHub's have pipx."""
_FIRST = Version("1.8")
"""Of the PyPI action, with Trusted Publishing."""
_TOOLS = r"(?:TWINE|UV_PUBLISH|HATCH_INDEX|FLIT|PDM_PUBLISH|POETRY_PYPI|POETRY_HTTP_BASIC)"
_VARIABLE = re.compile(rf"{_TOOLS}_\w*(?:PASSWORD|TOKEN|AUTH|USERNAME|USER)\w*\Z")
_WORD = r"(?:\"[^\"\n]*\"|'[^'\n]*'|\$\{\{[^}\n]*\}\}|[^\s;&|]+)"
_ASSIGNED_LINE = re.compile(
    rf"^[ \t]*(?:export[ \t]+)?{_TOOLS}_\w*(?:PASSWORD|TOKEN|AUTH|USERNAME|USER)\w*={_WORD}[ \t]*\n?", re.M
)
_ASSIGNED = re.compile(rf"\b{_TOOLS}_\w*(?:PASSWORD|TOKEN|AUTH|USERNAME|USER)\w*={_WORD}[ \t]+")
_CONFIGURED_LINE = re.compile(
    r"^[ \t]*(?:[\w./-]+[ \t]+)*?poetry config (?:--?[\w-]+ )*(?:pypi-token|http-basic)\.[^\n]*\n?", re.M
)
_OPTION = re.compile(
    rf"[ \t]*(?:\\\n[ \t]*)?(?<![\w-])(?:--password|--token|--username|--user|--auth|-p|-u|-t|-a)(?:=|[ \t]+){_WORD}"
)
_PREFIX = r"(?:(?:python3? -m|pipx run|uvx|uv run|uv tool run|hatch run)[ \t]+)?"
_REST = r"(?:\\\n|[^\n;&|])*"
_COMMAND = re.compile(
    rf"(?P<prefix>{_PREFIX})(?P<tool>twine upload|uv publish|(?:poetry|hatch|flit|pdm) publish)\b(?P<rest>{_REST})"
)
_SECRET = re.compile(r"\bsecrets\.([A-Za-z_]\w*)|\bsecrets\[['\"](\w+)['\"]\]")
_HELD = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What becomes of a workflow."""

    path: str
    """Of the file, from the top of the repository."""
    before: str
    after: str
    jobs: tuple[str, ...]
    """That publish as themselves now."""
    indexes: tuple[str, ...]
    """To which they do: ``pypi``, ``testpypi``."""
    environments: tuple[tuple[str, str | None], ...]
    """The environment of the job for each index."""
    secrets: tuple[str, ...]
    """Names of the secrets that it does not use any more."""
    kept: tuple[str, ...]
    """Those among them that other workflows, or other steps, use."""
    notes: tuple[str, ...]
    """What a person should know, in whole sentences."""


def migrate(root: Path, name: str, environments: Iterable[tuple[str, str | None]]) -> Migration:
    """The workflow file ``name`` below ``root`` without a stored token; nothing is written.

    ``environments``: that of a job which has none, by index (``pypi``, ``testpypi``); None leaves it without.

    Raises:
        Misuse: there is no such workflow, it publishes with no stored token, or what would have to change cannot be
            changed without touching more.
    """
    found = scene.read(root)
    workflow = _workflow(found, name)
    change = _Change(found, workflow, dict(environments))
    for job in workflow.jobs.values():
        for step in job.publishing:
            change.of(job, step)
    if not change.jobs:
        raise Misuse(
            f"{printable(workflow.file.path)} publishes with no stored token that is seen in it.",
            hint="trustpub doctor says what else is wrong with it.",
        )
    after = change.made()
    _prove(after, workflow, change)
    return change.migration(after)


@dataclass(eq=False)
class _Change:
    """The edits, collected step by step."""

    scene: Scene
    workflow: Workflow
    environments: dict[str, str | None]
    jobs: dict[str, str] = field(default_factory=dict)
    """Name of a job to its index."""
    edits: list[Edit] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    """Text that goes, in which secrets may be named."""
    notes: list[str] = field(default_factory=list)
    held: dict[str, str | None] = field(default_factory=dict)

    def of(self, job: Job, step: Step) -> None:
        """Change what ``step`` of ``job`` publishes with."""
        secret = job.secret(step)
        if secret is None or not (secret.certain or _names_secrets(job)):  # a token that a step before minted
            return
        target = job.target(step).name
        if target is None or not self.known(target):
            shown = "an index that only a run knows" if target is None else printable(target, 200)
            self.notes.append(
                f"Job {printable(job.name, 100)} publishes to {shown}, and is left as it is: whether that knows "
                "Trusted Publishing is not known here. Declare it in pyproject.toml first."
            )
            return
        if step.file is not self.workflow.file or step.via:
            raise Misuse(
                f"Job {quoted(job.name)} publishes in a composite action, {printable(step.file.path)}.",
                hint="The PyPI action cannot run in one. Put the step into the workflow, and run this again.",
            )
        self.jobs[job.name] = target
        if step.action is not None:
            self._input(step)
        else:
            self._commands(job, step, target)
        self._variables(step.value, step)
        self._variables(job.value, step)
        self._variables(self.workflow.document, step)
        self._identify(job, target)

    def known(self, target: str | None) -> bool:
        """Whether the index is one that takes identities."""
        return target in ("pypi", "testpypi") or target in self.scene.declared.indexes

    def _input(self, step: Step) -> None:
        given = step.given
        self.removed.append(str(given.get("password", "")))
        gone = [key for key in ("user", "username", "password") if key in given]
        self._drop(step.value, "with", given, gone)
        version = pins.version_of(step)
        if step.uses(PYPI_ACTION) and version is not None and version < _FIRST:
            pin = PINS[PYPI_ACTION]
            spot = value_spot(step.value, "uses")
            if spot is not None:
                end = _end_of_line(step.file.text, spot.end)
                self.edits.append(Edit(path=step.file.path, start=spot.start, end=end, text=pin.uses))
                self.notes.append(f"{PYPI_ACTION} {version} knew no Trusted Publishing: it is {pin.version} now.")

    def _commands(self, job: Job, step: Step, target: str) -> None:
        """In the step that publishes, and in those of its job that set a token up for it."""
        for one in job.steps:
            if one.file is not self.workflow.file or one.via or not isinstance(one.value.get("run"), str):
                continue
            spot = value_spot(one.value, "run")
            if spot is None:
                continue
            raw = one.file.text[spot.start : spot.end]
            new = self._without(raw)
            if one is step:
                new = _COMMAND.sub(lambda match: _published(match, target), new)
            if new == raw:
                continue
            self._removed_from(raw, new)
            if not _has_commands(new):
                self._drop_step(job, one)
            else:
                self.edits.append(Edit(path=one.file.path, start=spot.start, end=spot.end, text=new))
            self._unused(one, raw, new)

    def _without(self, raw: str) -> str:
        new = _CONFIGURED_LINE.sub("", raw)
        new = _ASSIGNED_LINE.sub("", new)
        new = _ASSIGNED.sub("", new)
        return _COMMAND.sub(lambda match: match["prefix"] + match["tool"] + _OPTION.sub("", match["rest"]), new)

    def _removed_from(self, raw: str, new: str) -> None:
        kept = set(new.splitlines())
        self.removed += [line for line in raw.splitlines() if line not in kept]

    def _variables(self, owner: Any, step: Step) -> None:
        """Variables of the clients, in the step, its job or its workflow."""
        variables = mapping(owner.get("env"))
        gone = [str(name) for name in variables if _VARIABLE.match(str(name))]
        if gone and not isinstance(step.value.get("uses"), str):
            self.removed += [str(variables[name]) for name in gone]
            self._drop(owner, "env", variables, gone)

    def _unused(self, step: Step, raw: str, new: str) -> None:
        """Variables of a step that held a secret for a line that is gone."""
        variables = mapping(step.value.get("env"))
        names = {match[1] for match in _HELD.finditer(raw)} - {match[1] for match in _HELD.finditer(new)}
        gone = [name for name in variables if name in names and "secrets." in str(variables[name])]
        gone += [str(name) for name in variables if _VARIABLE.match(str(name)) and name not in gone]
        if gone and _has_commands(new):
            self.removed += [str(variables[name]) for name in gone]
            self._drop(step.value, "env", variables, gone)

    def _identify(self, job: Job, target: str) -> None:
        if not any(asking.may_identify(one.granted) for way in self.scene.ways_to(job) for one in way.jobs[-1:]):
            edits = asking.grant(job)
            if edits is None:
                raise Misuse(f"The permissions of job {quoted(job.name)} are written so that none can be added.")
            self.edits += [edit for edit in edits if edit not in self.edits]
        self.held[target] = job.environment
        wanted = self.environments.get(target)
        if job.environment is None and wanted is not None:
            edits = editing.add(job.file, job.value, f"environment: {editing.written(wanted)}", before="steps")
            if edits is None:
                raise Misuse(f"Job {quoted(job.name)} is written so that no environment can be added.")
            self.edits += [edit for edit in edits if edit not in self.edits]
            self.held[target] = wanted

    def _drop(self, owner: Any, key: str, holder: Any, names: list[str]) -> None:
        """Take ``names`` out of ``holder``, which is ``key`` of ``owner``; all of it where nothing else is in it."""
        if not names:
            return
        file = self.workflow.file
        if len(names) == len(holder):
            edits = editing.drop(file, owner, key)
        else:
            edits = tuple(edit for name in names for edit in editing.drop(file, holder, name) or (None,))  # type: ignore[misc]
        if edits is None or None in edits:
            at = key_spot(owner, key)
            raise Misuse(
                f"{printable(file.path)}{'' if at is None else f', line {at.line}'}: {' and '.join(names)} cannot be "
                "taken out without touching more.",
                hint="Take it out by hand, and run this again.",
            )
        self.edits += [edit for edit in edits if edit not in self.edits]

    def _drop_step(self, job: Job, step: Step) -> None:
        """Take a step out that did nothing but set a token up."""
        steps = job.value.get("steps")
        number = next(number for number, one in enumerate(listed(steps)) if one is step.value)
        spot = value_spot(steps, number)
        text = step.file.text
        if spot is None or len(listed(steps)) < 2:
            raise Misuse(f"{printable(step.file.path)}: a step of job {quoted(job.name)} cannot be taken out.")
        start = text.rfind("\n", 0, spot.start) + 1
        if not re.fullmatch(r"[ \t]*-[ \t]+", text[start : spot.start]):
            raise Misuse(f"{printable(step.file.path)}: a step of job {quoted(job.name)} cannot be taken out.")
        self.removed.append(text[start : spot.end])
        end = _end_of_line(text, len(text[: spot.end].rstrip()))
        self.edits.append(Edit(path=step.file.path, start=start, end=min(end + 1, len(text)), text=""))

    def made(self) -> str:
        """The text with all edits."""
        text = self.workflow.file.text
        # What lies in a step that goes, goes with it.
        outer = [
            edit for edit in self.edits
            if not any(other is not edit and _inside(edit, other) for other in self.edits)
        ]  # fmt: skip
        for edit in sorted(outer, key=lambda one: (one.start, one.end), reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def migration(self, after: str) -> Migration:
        """All that is to be told."""
        names = dict.fromkeys(match[1] or match[2] for text in self.removed for match in _SECRET.finditer(text))
        left = {match[1] or match[2] for match in _SECRET.finditer(after)}
        for file in self.scene.files:
            if file is not self.workflow.file:
                left |= {match[1] or match[2] for match in _SECRET.finditer(file.text)}
        secrets = tuple(name for name in names if name not in ("GITHUB_TOKEN", "github_token"))
        return Migration(
            path=self.workflow.file.path,
            before=self.workflow.file.text,
            after=after,
            jobs=tuple(self.jobs),
            indexes=tuple(dict.fromkeys(self.jobs.values())),
            environments=tuple(self.held.items()),
            secrets=secrets,
            kept=tuple(name for name in secrets if name in left),
            notes=tuple(dict.fromkeys(self.notes)),
        )


def _workflow(found: Scene, name: str) -> Workflow:
    plain = name.replace("\\", "/").removeprefix("./").removeprefix(f"{WORKFLOWS.as_posix()}/")
    workflow = found.workflows.get(plain)
    if workflow is not None:
        return workflow
    broken = next((one for one in found.broken if one.path.endswith(f"/{plain}")), None)
    if broken is not None:
        raise Misuse(broken.message)
    there = ", ".join(printable(one, 100) for one in found.workflows) or "none"
    raise Misuse(
        f"There is no workflow {quoted(name)} in {WORKFLOWS.as_posix()}.",
        hint=f"There are: {there}. Only workflows of GitHub's are migrated.",
    )


def _names_secrets(job: Job) -> bool:
    """Whether a stored secret is named in what ``job`` runs and is given."""
    texts = [str(value) for variables in job.variables for value in variables.values()]
    for step in job.steps:
        texts += [*step.lines, *(str(value) for value in mapping(step.value.get("env")).values())]
    found = {match[1] or match[2] for text in texts for match in _SECRET.finditer(text)}
    return bool(found - {"GITHUB_TOKEN", "github_token"})


def _published(match: re.Match[str], target: str) -> str:
    """A command that publishes, as it is without a token."""
    prefix, tool, rest = match["prefix"], match["tool"], match["rest"]
    if tool == "uv publish":
        told = "" if "--trusted-publishing" in rest else " --trusted-publishing always"
        return f"{prefix}{tool}{told}{rest}"
    if tool in ("twine upload", "pdm publish"):
        return match[0]
    program = tool.partition(" ")[0]
    builds = f"{prefix}{program} build && " if program == "flit" or re.search(r"(?<!\S)--build\b", rest) else ""
    index = "" if target == "pypi" else f" --index {target}"
    tail = rest[len(rest.rstrip()) :]
    return f"{builds}{CLIENT}{index}{tail}"


def _has_commands(raw: str) -> bool:
    """Whether a step still does something."""
    body = re.sub(r"\A[|>][^\n]*(?:\n|\Z)", "", raw)
    return any(line.strip() and not line.strip().startswith("#") for line in body.splitlines())


def _inside(inner: Edit, outer: Edit) -> bool:
    return (
        outer.start <= inner.start and inner.end <= outer.end and (outer.end - outer.start) > (inner.end - inner.start)
    )


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _prove(after: str, workflow: Workflow, change: _Change) -> None:
    """That it is a workflow still, and that the jobs are given nothing stored.

    Raises:
        Misuse: they are, in a way that is not seen through here.
    """
    documents.document(after, printable(workflow.name))
    with tempfile.TemporaryDirectory(prefix="trustpub-") as folder:
        place = Path(folder, WORKFLOWS)
        place.mkdir(parents=True)
        (place / workflow.name).write_text(after, "utf-8", newline="")
        found: Iterator[Job] = iter(scene.read(Path(folder)).publishing)
        for job in found:
            for step in job.publishing:
                left = job.secret(step)
                if job.name in change.jobs and left is not None and change.known(job.target(step).name):
                    raise Misuse(
                        f"Job {quoted(job.name)} is given a token in a way that cannot be taken out by a program: "
                        f"{printable(left.name, 100)} ({printable(left.value, 200)}).",
                        hint="Take it out by hand and run this again, or write a new workflow: trustpub init.",
                    )
