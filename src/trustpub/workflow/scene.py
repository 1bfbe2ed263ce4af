# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""All files of a project that decide how it is released, read once, and how they belong together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from trustpub import declared as declaring
from trustpub.declared import NOTHING, Declared
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import documents, located, repository, uploads
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.gitlab import CI_FILE
from trustpub.workflow.located import Place, Spot, key_spot, value_spot
from trustpub.workflow.publishing import Step as Publication
from trustpub.workflow.publishing import lines
from trustpub.workflow.read import WORKFLOWS
from trustpub.workflow.repository import Repository
from trustpub.workflow.situations import Situation, situations
from trustpub.workflow.version import Source, source

TOP = Spot(0, 0, 1, 1)
_LOCAL = ("./", "$/")
_MOST_STEPS = 1000
"""Of one job, those of composite actions counted; more are not looked at, nor are more ways to one job."""
_MOST_CALLS = 10
"""GitHub follows reusable workflows and composite actions this far."""
_ACTION = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?P<path>/[\w./-]+)?@(?P<ref>\S+)\Z")
_TOKEN_TOOLS = frozenset({"twine upload", "poetry publish", "hatch publish", "flit publish", "pdm publish"})
_CLOUD_BUILD = ("cloudbuild.yaml", "cloudbuild.yml", "cloudbuild.json")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class File:
    """One file that was read."""

    path: str
    """From the top of the project, with slashes."""
    text: str
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Without folders."""
        return self.path.rpartition("/")[2]

    def at(self, spot: Spot | None) -> Place:
        """A place in it; None: its beginning."""
        return Place(path=self.path, spot=spot or TOP)

    def key(self, holder: Any, key: str, otherwise: Place | None = None) -> Place:
        """Where ``key`` of ``holder`` stands."""
        spot = key_spot(holder, key)
        return otherwise if spot is None and otherwise is not None else self.at(spot)

    def value(self, holder: Any, key: str | int, otherwise: Place | None = None) -> Place:
        """Where the value of ``key`` of ``holder`` stands."""
        spot = value_spot(holder, key)
        return otherwise if spot is None and otherwise is not None else self.at(spot)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Action:
    """What a step uses, of another repository."""

    name: str
    """``owner/name``, in small letters."""
    path: str
    """Below the top of that repository; empty for its top."""
    ref: str
    """After the @."""

    @property
    def pinned(self) -> bool:
        """Whether it names a commit (or another object of git) by its id."""
        return re.fullmatch(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", self.ref) is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """A step of a job, wherever it is written."""

    file: File
    value: Mapping[str, Any]
    place: Place
    action: Action | None
    publication: Publication | None
    via: tuple[Step, ...] = ()
    """Steps that use the composite action it stands in, the outermost first."""

    @property
    def given(self) -> Mapping[str, Any]:
        """Its inputs."""
        return mapping(self.value.get("with"))

    @property
    def lines(self) -> tuple[str, ...]:
        """Its shell lines."""
        return lines(self.value)

    def uses(self, *names: str) -> bool:
        """Whether it uses one of these actions (``owner/name``, in small letters)."""
        return self.action is not None and self.action.name in names


@dataclass(frozen=True, eq=False)
class Job:
    """A job of a GitHub workflow."""

    workflow: Workflow
    name: str
    value: Mapping[str, Any]
    place: Place
    steps: tuple[Step, ...]

    @property
    def file(self) -> File:
        """Where it is written."""
        return self.workflow.file

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the jobs that must end before."""
        return tuple(str(one) for one in listed(self.value.get("needs")))

    @property
    def granted(self) -> Any:
        """Its permissions, as far as its own file says; None where it does not."""
        return self.value["permissions"] if "permissions" in self.value else self.workflow.document.get("permissions")

    @property
    def environment(self) -> str | None:
        """As written."""
        given = self.value.get("environment")
        name = given.get("name") if isinstance(given, dict) else given
        return str(name) if name not in (None, "") else None

    @property
    def environment_place(self) -> Place:
        """Where its environment is named, else the job itself."""
        given = self.value.get("environment")
        if isinstance(given, dict):
            return self.file.value(given, "name", self.place)
        return self.file.value(self.value, "environment", self.place)

    @property
    def calls(self) -> str | None:
        """What it uses in place of steps."""
        uses = self.value.get("uses")
        return uses if isinstance(uses, str) else None

    @property
    def matrix(self) -> bool:
        """Whether it runs several times."""
        return bool(mapping(self.value.get("strategy")).get("matrix"))

    @property
    def variables(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Its environment variables, and its workflow's."""
        return mapping(self.value.get("env")), mapping(self.workflow.document.get("env"))

    @cached_property
    def publishing(self) -> tuple[Step, ...]:
        """Those of its steps that publish."""
        return tuple(step for step in self.steps if step.publication is not None)

    def target(self, step: Step) -> uploads.Target:
        """Where its ``step`` publishes to."""
        return uploads.target(step.value, *self.variables)

    def secret(self, step: Step) -> uploads.Secret | None:
        """The stored credential that its ``step`` is given."""
        own = uploads.secret(step.value, *self.variables)
        if own is not None or isinstance(step.value.get("uses"), str):
            return own
        return uploads.brought(one.value for one in self.steps)


@dataclass(eq=False)
class Workflow:
    """A workflow of GitHub's."""

    file: File
    jobs: Mapping[str, Job] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of its file, as it is registered."""
        return self.file.name

    @property
    def document(self) -> Mapping[str, Any]:
        """All of it."""
        return self.file.document

    @cached_property
    def triggers(self) -> Mapping[str, Any]:
        """Events, and what is asked of each."""
        on = self.document.get("on")
        return on if isinstance(on, dict) else {str(event): None for event in listed(on)}

    def trigger_place(self, event: str) -> Place:
        """Where it says that ``event`` starts it."""
        on = self.document.get("on")
        if isinstance(on, dict):
            return self.file.key(on, event)
        if isinstance(on, list) and event in on:
            return self.file.value(on, on.index(event))
        return self.file.value(self.document, "on")

    def before(self, job: Job) -> tuple[Job, ...]:
        """``job`` and every job that it needs, directly or not."""
        found: list[Job] = []
        waiting = [job]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.append(one)
                waiting += [self.jobs[name] for name in one.needs if name in self.jobs]
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Way:
    """How a job that publishes is reached: the jobs that call one another, that one last."""

    jobs: tuple[Job, ...]
    situations: tuple[Situation, ...]
    """In which the first of these workflows is started."""
    reached: dict[tuple[Situation, int | None], bool | None] = field(default_factory=dict, repr=False)
    """What :func:`trustpub.workflow.running.reached` computed already: every other rule asks."""

    @property
    def job(self) -> Job:
        """The one that publishes."""
        return self.jobs[-1]

    @property
    def entry(self) -> Workflow:
        """The workflow that an event starts."""
        return self.jobs[0].workflow

    @property
    def called(self) -> bool:
        """Whether the job is in a reusable workflow."""
        return len(self.jobs) > 1 or "workflow_call" in self.job.workflow.triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A file that cannot be read."""

    path: str
    line: int
    message: str
    declaration: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """A project."""

    root: Path
    files: tuple[File, ...]
    workflows: Mapping[str, Workflow]
    """By the name of the file."""
    actions: Mapping[str, File]
    """Composite actions, by their folder."""
    gitlab: File | None
    cloud_build: File | None
    pyproject: Mapping[str, Any]
    """Of the project, as TOML; empty where there is none."""
    pyproject_text: str
    declared: Declared
    repository: Repository | None
    broken: tuple[Broken, ...]
    uploads: dict[str, Any] = field(default_factory=dict, repr=False)
    """What :func:`trustpub.workflow.artifacts.of` computed already, by the file that starts."""

    @property
    def home(self) -> str | None:
        """The repository on GitHub, ``owner/name``, as declared, else as git says."""
        publisher = self.publisher("github")
        if publisher is not None and "repository" in publisher[1]:
            return publisher[1]["repository"]
        return self.remote

    @property
    def remote(self) -> str | None:
        """The repository on GitHub that git says this is."""
        found = self.repository
        return found.path if found is not None and found.host == "github.com" else None

    def publisher(self, kind: str, index: str | None = None) -> tuple[str, Mapping[str, str]] | None:
        """The declared publisher of a kind, of one index or of the first that has one: the index's name, its fields."""
        wanted = [index] if index else [self.declared.default_index or "", *self.declared.indexes]
        for name in wanted:
            found = self.declared.indexes.get(name)
            if found is not None and found.publisher is not None and found.publisher.kind == kind:
                return name, found.publisher.fields
        return None

    @cached_property
    def project(self) -> str | None:
        """The name of the package."""
        name = mapping(self.pyproject.get("project")).get("name")
        poetry = mapping(mapping(self.pyproject.get("tool")).get("poetry")).get("name")
        return str(name or poetry) if name or poetry else None

    @cached_property
    def version_source(self) -> Source:
        """Where its version comes from; of the kind ``unknown`` also where a file that says it cannot be read."""
        try:
            return source(self.root, self.pyproject)
        except Misuse as error:
            return Source(kind="unknown", why=error.message)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Names of the packages of its workspace, if it is one (of uv)."""
        table = mapping(mapping(mapping(self.pyproject.get("tool")).get("uv")).get("workspace"))
        names = {self.project} if self.project else set()
        for pattern in listed(table.get("members")):
            for path in _below(self.root, str(pattern)):
                name = mapping(_toml(path).get("project")).get("name")
                names |= {str(name)} if name else set()
        return tuple(sorted(names))

    @cached_property
    def publishing(self) -> tuple[Job, ...]:
        """Every job that publishes."""
        return tuple(job for workflow in self.workflows.values() for job in workflow.jobs.values() if job.publishing)

    @cached_property
    def asking(self) -> tuple[tuple[Job, Step], ...]:
        """Every step that publishes and is given no stored credential, with its job."""
        return tuple(
            (job, step)
            for job in self.publishing
            for step in job.publishing
            if job.secret(step) is None and not self._by_other_means(job, step)
        )

    def _by_other_means(self, job: Job, step: Step) -> bool:
        """Whether it goes to an index of somebody's that is not declared, with a tool that logs in there otherwise.

        Registries of clouds are logged in to by a program of theirs, which is in no variable.
        """
        tool = "" if step.publication is None else step.publication.tool
        target = job.target(step)
        if tool not in _TOKEN_TOOLS or target.given is None or target.of_pypi:
            return False
        return target.given not in {known for one in self.declared.indexes.values() for known in (one.name, one.url)}

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """Every way to a job that publishes."""
        return tuple(way for job in self.publishing for way in islice(self._ways_to(job), _MOST_STEPS))

    def ways_to(self, job: Job) -> tuple[Way, ...]:
        """Every way to ``job``, which publishes."""
        return self._ways_by_job.get(job, ())

    @cached_property
    def _ways_by_job(self) -> Mapping[Job, tuple[Way, ...]]:
        found: dict[Job, tuple[Way, ...]] = {}
        for way in self.ways:
            found[way.job] = (*found.get(way.job, ()), way)
        return found

    def _ways_to(self, job: Job) -> Iterator[Way]:
        for chain in self._chains((job,)):
            found = situations(chain[0].workflow.triggers, self.home)
            yield Way(jobs=chain, situations=found)

    def _chains(self, chain: tuple[Job, ...]) -> Iterator[tuple[Job, ...]]:
        first = chain[0].workflow
        callers = self._callers.get(first.name, ()) if len(chain) < _MOST_CALLS else ()
        if set(first.triggers) != {"workflow_call"} or not callers:
            yield chain
        if "workflow_call" in first.triggers:
            for caller in callers:
                if caller not in chain:
                    yield from self._chains((caller, *chain))

    @cached_property
    def _callers(self) -> Mapping[str, tuple[Job, ...]]:
        found: dict[str, tuple[Job, ...]] = {}
        for workflow in self.workflows.values():
            for job in workflow.jobs.values():
                name = called_workflow(job)
                if name is not None:
                    found[name] = (*found.get(name, ()), job)
        return found

    def callee(self, job: Job) -> Workflow | None:
        """The workflow of this project that ``job`` calls."""
        return self.workflows.get(called_workflow(job) or "")


def called_workflow(job: Job) -> str | None:
    """The name of the workflow file of this repository that ``job`` calls."""
    uses = job.calls
    if uses is None or not uses.startswith(_LOCAL):
        return None
    folder, _, name = uses[2:].rpartition("/")
    return name if folder == WORKFLOWS.as_posix() else None


def _below(root: Path, pattern: str) -> list[Path]:
    if pattern.startswith(("/", "..")) or "/../" in pattern:
        return []
    found = root.glob(f"{pattern.rstrip('/')}/{declaring.FILE}")
    return sorted(islice((path for path in found if path.is_file()), _MOST_STEPS))


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return {}


def top(path: Path) -> Path:
    """The project that ``path`` is in: itself where it has a CI's files, else the top of its git repository."""
    path = path.absolute()
    folder = path.parent if path.is_file() else path
    for place in (folder, *folder.parents):
        if place.name == ".github":
            return place.parent
    if _has_files(folder):
        return folder
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _has_files(folder: Path) -> bool:
    named = (CI_FILE, *_CLOUD_BUILD)
    return (folder / WORKFLOWS).is_dir() or any((folder / name).is_file() for name in named)


def read(root: Path) -> Scene:
    """Everything of the project in ``root``. What cannot be read is in :attr:`Scene.broken`."""
    return _Reading(root).scene()


class _Reading:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, File] = {}
        self._broken: list[Broken] = []
        self._actions: dict[str, File | None] = {}

    def scene(self) -> Scene:
        workflows = {}
        folder = self._root / WORKFLOWS
        found = sorted(path for path in folder.glob("*") if path.suffix in (".yml", ".yaml")) if folder.is_dir() else []
        for path in found:
            file = self._read(path, "GitHub")
            if file is not None:
                workflows[path.name] = self._workflow(file)
        for pattern in ("action.yml", "action.yaml", ".github/actions/*/action.yml", ".github/actions/*/action.yaml"):
            for path in sorted(self._root.glob(pattern)):
                self._action(path.parent.relative_to(self._root).as_posix())
        gitlab = self._read(self._root / CI_FILE, "GitLab")
        cloud = [file for name in _CLOUD_BUILD if (file := self._read(self._root / name, "Google")) is not None]
        text, table, declared = self._declaration()
        return Scene(
            root=self._root,
            files=tuple(self._files.values()),
            workflows=workflows,
            actions={name: file for name, file in self._actions.items() if file is not None},
            gitlab=gitlab,
            cloud_build=cloud[0] if cloud else None,
            pyproject=table,
            pyproject_text=text,
            declared=declared,
            repository=repository.find(self._root),
            broken=tuple(self._broken),
        )

    def _read(self, path: Path, reader: Literal["GitHub", "GitLab", "Google"]) -> File | None:
        if not path.is_file():
            return None
        name = path.relative_to(self._root).as_posix()
        try:
            text = documents.content(path)
            document = documents.document(text, printable(path.name), reader=reader)
        except Misuse as error:
            match = re.search(r" in line (\d+)", error.message)
            self._broken.append(Broken(path=name, line=int(match[1]) if match else 1, message=error.message))
            return None
        file = File(path=name, text=text, document=document)
        self._files[name] = file
        return file

    def _declaration(self) -> tuple[str, Mapping[str, Any], Declared]:
        path = self._root / declaring.FILE
        if not path.is_file():
            return "", {}, NOTHING
        try:
            text = path.read_text("utf-8-sig")
            table = tomllib.loads(text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
            self._broken.append(Broken(path=path.name, line=1, message=f"{path.name} is not TOML.", declaration=True))
            return "", {}, NOTHING
        try:
            return text, table, declaring.read(path)
        except Misuse as error:
            self._broken.append(Broken(path=path.name, line=1, message=error.message, declaration=True))
            return text, table, NOTHING

    def _workflow(self, file: File) -> Workflow:
        workflow = Workflow(file=file)
        jobs = mapping(file.document.get("jobs"))
        workflow.jobs = {
            name: Job(workflow, name, value, file.key(jobs, name), tuple(islice(self._steps(file, value), _MOST_STEPS)))
            for name, value in jobs.items()
            if isinstance(value, located.Mapping)
        }
        return workflow

    def _steps(self, file: File, holder: Mapping[str, Any], via: tuple[Step, ...] = ()) -> Iterator[Step]:
        steps = holder.get("steps")
        for number, value in enumerate(steps if isinstance(steps, list) else ()):
            if not isinstance(value, located.Mapping):
                continue
            uses = value.get("uses")
            local = isinstance(uses, str) and uses.startswith(_LOCAL)
            match = _ACTION.match(uses) if isinstance(uses, str) and not local else None
            step = Step(
                file=file,
                value=value,
                place=file.value(steps, number),
                action=match and Action(name=match["name"].lower(), path=match["path"] or "", ref=match["ref"]),
                publication=uploads.publication(value),
                via=via,
            )
            yield step
            if local and len(via) < _MOST_CALLS:
                action = self._action(str(uses)[2:].strip("/") or ".")
                if action is not None:
                    yield from self._steps(action, mapping(action.document.get("runs")), (*via, step))

    def _action(self, folder: str) -> File | None:
        if folder not in self._actions:
            self._actions[folder] = None
            place = (self._root / folder).resolve()
            if place.is_relative_to(self._root.resolve()):
                for name in ("action.yml", "action.yaml"):
                    if (self._root / folder / name).is_file():
                        self._actions[folder] = self._read(self._root / folder / name, "GitHub")
                        break
        return self._actions[folder]
