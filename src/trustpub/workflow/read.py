# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which job of a project's workflows publishes it, and as whom it would do so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import documents
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.publishing import Step, lines, publishing_steps

WORKFLOWS = Path(".github", "workflows")
"""Where GitHub looks for them, below the top of the repository."""

_LOCAL = ("./", "$/")
"""How a reference to this very repository begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingJob:
    """A job that publishes: everything of it that its identity token will say, or that decides whether it gets one."""

    workflow: str
    """Name of the file that holds the job. Of a reusable workflow that is the called file, as in the token."""
    job: str
    environment: str | None
    """As written; may be an expression (``${{ … }}``), which only a run can know."""
    tools: tuple[str, ...]
    """What publishes, such as ``pypa/gh-action-pypi-publish``."""
    events: tuple[str, ...]
    """What starts it."""
    tags: tuple[str, ...] = ()
    """Tag patterns of ``push``."""
    branches: tuple[str, ...] = ()
    """Branch patterns of ``push``."""
    id_token: bool
    """Whether it has ``id-token: write``."""
    test_index: bool = False
    """Whether it publishes to TestPyPI only."""
    password: bool = False
    """Whether it is given a stored secret to publish with."""
    called_from: str | None = None
    """Name of the file that calls the reusable workflow."""
    commands: tuple[str, ...] = ()
    """Shell lines of the jobs it needs, then its own."""

    @property
    def dynamic_environment(self) -> bool:
        """Whether the environment's name is known only in a run."""
        return self.environment is not None and "${{" in self.environment

    @property
    def told(self) -> str:
        """For a list to choose from."""
        place = "no environment" if self.environment is None else f"environment {printable(self.environment)}"
        via = "" if self.called_from is None else f", called from {printable(self.called_from)}"
        missing = "" if self.id_token else ", without `id-token: write`"
        tools = " and ".join(self.tools)
        return f"{printable(self.workflow)}: job {printable(self.job)} ({tools}, {place}{via}{missing})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    name: str
    document: Mapping[str, Any]
    folder: Path
    permission: str | None

    @property
    def triggers(self) -> Mapping[str, Any]:
        on = self.document.get("on")
        return on if isinstance(on, dict) else {str(event): None for event in listed(on)}

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        return {str(name): job for name, job in mapping(self.document.get("jobs")).items() if isinstance(job, dict)}


def publishing_jobs(root: Path, place: Path = WORKFLOWS, *, permission: str | None = None) -> tuple[PublishingJob, ...]:
    """Every job below ``root`` / ``place`` that publishes, with and without an identity.

    ``permission``: the key that gives a job an identity where it is true; None: GitHub's ``permissions``.

    Raises:
        Misuse: a workflow is not YAML.
    """
    folder = root / place
    paths = sorted(path for path in folder.glob("*") if path.suffix in (".yml", ".yaml")) if folder.is_dir() else []
    files = {
        path.name: _File(name=path.name, document=documents.load(path), folder=place, permission=permission)
        for path in paths
    }
    found: list[PublishingJob] = []
    for file in files.values():
        if set(file.triggers) != {"workflow_call"} or not _callers(file, files):
            found += _own(file, root)
        found += _called(file, files, root)
    return tuple(found)


def choose(
    jobs: Sequence[PublishingJob], *, workflow: str | None = None, environment: str | None = None
) -> PublishingJob:
    """The one job that is meant: of the ``workflow`` file and ``environment`` named, if any are.

    Jobs that go to TestPyPI, and those without an identity, are meant only where there is no other.

    Raises:
        Misuse: none is left, or several that differ in who they are; lists them and says how to choose.
    """
    left = [job for job in jobs if workflow is None or job.workflow == workflow]
    if environment is not None:
        left = [job for job in left if job.dynamic_environment or _same(job.environment, environment)]
    if not left:
        raise Misuse(
            "No job of the workflows publishes with the workflow and environment named."
            if jobs
            else "No job of the workflows in .github/workflows publishes a package.",
            hint=_choices(jobs) if jobs else _WRITE_ONE,
        )
    for preferred in ("id_token", "real_index"):
        better = [job for job in left if (job.id_token if preferred == "id_token" else not job.test_index)]
        left = better or left
    identities = {(job.workflow, job.environment) for job in left}
    if len(identities) > 1:
        raise Misuse("Several jobs publish, each as somebody else.", hint=_choices(left))
    chosen = left[0]
    if chosen.dynamic_environment:
        if environment is None:
            raise Misuse(
                f"The environment of job {printable(chosen.job)} in {printable(chosen.workflow)} is an expression, "
                "whose value only a run knows.",
                hint="Say which one is meant with --environment.",
            )
        chosen = replace(chosen, environment=environment)
    return chosen


_WRITE_ONE = (
    "Write .github/workflows/release.yml with a job that has `permissions: id-token: write` and publishes, "
    "or say who will publish: --workflow release.yml [--environment NAME]."
)


def _choices(jobs: Sequence[PublishingJob]) -> str:
    listing = "\n".join(f"  {job.told}" for job in jobs)
    return f"Choose with --workflow FILE, --environment NAME, or both. These publish:\n{listing}"


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()


def _own(file: _File, root: Path) -> Iterator[PublishingJob]:
    for name, job in file.jobs.items():
        steps = publishing_steps(_steps(job, root))
        if steps:
            yield _job(file, name, steps, id_token=_may_identify(file, job), root=root)


def _called(file: _File, files: Mapping[str, _File], root: Path) -> Iterator[PublishingJob]:
    """Jobs of reusable workflows that ``file`` calls. Permissions can only shrink on the way in."""
    for name, job in file.jobs.items():
        target = files.get(_target(job, file.folder) or "")
        if target is None or target.name == file.name:
            continue
        before = _commands(file, name, root)
        for inner in _own(target, root):
            key = file.permission or "permissions"
            asks = key in target.jobs[inner.job] or key in target.document
            may = _may_identify(file, job)
            yield replace(
                inner,
                **_events(file),
                called_from=file.name,
                id_token=may and (inner.id_token or not asks),
                commands=(*before, *inner.commands),
            )


def _callers(file: _File, files: Mapping[str, _File]) -> bool:
    return any(_target(job, file.folder) == file.name for other in files.values() for job in other.jobs.values())


def _target(job: Mapping[str, Any], place: Path) -> str | None:
    """The workflow file in ``place`` of this repository that a job calls."""
    uses = job.get("uses")
    if not isinstance(uses, str) or not uses.startswith(_LOCAL):
        return None
    folder, _, name = uses[2:].rpartition("/")
    return name if folder == place.as_posix() else None


def _job(file: _File, name: str, steps: Sequence[Step], *, id_token: bool, root: Path) -> PublishingJob:
    return PublishingJob(
        workflow=file.name,
        job=name,
        environment=_environment(file.jobs[name]),
        tools=tuple(dict.fromkeys(step.tool for step in steps)),
        id_token=id_token,
        test_index=all(step.test_index for step in steps),
        password=all(step.password for step in steps),
        commands=_commands(file, name, root),
        **_events(file),
    )


def _events(file: _File) -> dict[str, Any]:
    push = mapping(file.triggers.get("push"))
    return {
        "events": tuple(file.triggers),
        "tags": tuple(str(tag) for tag in listed(push.get("tags"))),
        "branches": tuple(str(branch) for branch in listed(push.get("branches"))),
    }


def _environment(job: Mapping[str, Any]) -> str | None:
    given = job.get("environment")
    name = given.get("name") if isinstance(given, dict) else given
    return str(name) if name not in (None, "") else None


def _may_identify(file: _File, job: Mapping[str, Any]) -> bool:
    """A job's own permissions replace the workflow's; without either there is no identity token."""
    if file.permission is not None:
        return job.get(file.permission, file.document.get(file.permission)) is True
    granted = job["permissions"] if "permissions" in job else file.document.get("permissions")
    return granted == "write-all" or mapping(granted).get("id-token") == "write"


def _steps(job: Mapping[str, Any], root: Path) -> list[Mapping[str, Any]]:
    """The steps of a job, those of composite actions in this repository in their place (one level)."""
    steps: list[Mapping[str, Any]] = []
    for step in listed(job.get("steps")):
        uses = mapping(step).get("uses")
        if isinstance(uses, str) and uses.startswith(_LOCAL):
            steps += _composite(root, uses[2:])
        elif isinstance(step, dict):
            steps.append(step)
    return steps


def _composite(root: Path, folder: str) -> list[Mapping[str, Any]]:
    place = (root / folder).resolve()
    if not place.is_relative_to(root.resolve()):
        return []
    for name in ("action.yml", "action.yaml"):
        if (place / name).is_file():
            runs = mapping(documents.load(place / name).get("runs"))
            return [step for step in listed(runs.get("steps")) if isinstance(step, dict)]
    return []


def _commands(file: _File, name: str, root: Path) -> tuple[str, ...]:
    """Shell lines of the jobs that ``name`` needs, directly or not, and then its own."""
    order: list[str] = []
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in file.jobs and one not in order:
            order.append(one)
            waiting += [str(needed) for needed in listed(file.jobs[one].get("needs"))]
    return tuple(line for one in reversed(order) for step in _steps(file.jobs[one], root) for line in lines(step))
