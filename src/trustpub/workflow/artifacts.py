# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which artifacts the jobs of a run upload, and which a job downloads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trustpub.workflow.scene import Job, Scene, Step, Way, Workflow

_QUIET = frozenset({"actions", "github", "docker", "pypa", "astral-sh", "trustpub", "codecov", "softprops"})
"""Owners whose actions upload no artifact, but for `upload-artifact`."""
_UPLOADS = ("actions/upload-artifact",)
_DOWNLOADS = ("actions/download-artifact",)
_DEFAULT = "artifact"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Upload:
    """One step that uploads an artifact."""

    job: Job
    step: Step
    name: str | None
    """None where it is an expression."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """Everything that one run uploads."""

    uploads: tuple[Upload, ...]
    complete: bool
    """Whether nothing else may upload: no workflow of another repository, no action that is not known."""


def of(scene: Scene, way: Way) -> Run | None:
    """What a run of the workflow that begins ``way`` uploads; None where nobody here calls it."""
    if not way.situations:
        return None
    if way.entry.name not in scene.uploads:
        scene.uploads[way.entry.name] = _of(scene, way.entry)
    run: Run = scene.uploads[way.entry.name]
    return run


def _of(scene: Scene, entry: Workflow) -> Run:
    found: list[Upload] = []
    complete = True
    for workflow in _closure(scene, entry):
        for job in workflow.jobs.values():
            if job.calls is not None and scene.callee(job) is None:
                complete = False
            for step in job.steps:
                if step.uses(*_UPLOADS):
                    name = str(step.given.get("name") or _DEFAULT)
                    found.append(Upload(job=job, step=step, name=None if "${{" in name else name))
                elif not _quiet(step):
                    complete = False
    return Run(uploads=tuple(found), complete=complete)


def _quiet(step: Step) -> bool:
    """Whether it uploads nothing, as far as anybody can know."""
    if step.action is not None:
        return step.action.name.partition("/")[0] in _QUIET
    return str(step.value.get("uses", "./")).startswith(("./", "$/"))


def downloads(job: Job) -> Iterator[Step]:
    """The steps of ``job`` that download artifacts of its own run."""
    for step in job.steps:
        if step.uses(*_DOWNLOADS) and not (step.given.get("run-id") or step.given.get("repository")):
            yield step


def folder(path: str) -> str:
    """A path below the working directory, spelled in one way."""
    return path.replace("${{ github.workspace }}", "").removeprefix("./").strip("/").removesuffix("/.")


def _closure(scene: Scene, entry: Workflow) -> list[Workflow]:
    found: list[Workflow] = []
    waiting = [entry]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.append(one)
            waiting += [called for job in one.jobs.values() if (called := scene.callee(job)) is not None]
    return found
