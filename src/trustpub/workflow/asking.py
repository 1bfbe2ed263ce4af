# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which steps publish with their job's identity, whether the job gets a token, and which declared index they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.workflow.documents import mapping
from trustpub.workflow.editing import add
from trustpub.workflow.findings import Edit
from trustpub.workflow.located import value_spot
from trustpub.workflow.scene import File, Job, Scene, Step, Way
from trustpub.workflow.uploads import PYPI_ACTION, Target

BUILDS = re.compile(
    r"\bpython3? -m build\b|\bpyproject-build\b|\b(?:uv|poetry|hatch|flit|pdm|maturin) build\b|\bcibuildwheel\b"
    r"|\bsetup\.py\b.*\b(?:sdist|bdist\w*)\b|\bpip wheel\b|\bpipx run build\b"
)
"""Shell lines that build distributions."""
BUILDING_ACTIONS = ("pypa/cibuildwheel", "pyo3/maturin-action", "hynek/build-and-inspect-python-package")


def asking(scene: Scene) -> Iterator[tuple[Job, Step]]:
    """Every step that publishes and is given no stored credential, with its job."""
    yield from scene.asking


def asking_jobs(scene: Scene) -> Iterator[Job]:
    """The jobs of :func:`asking`, each once."""
    yield from dict.fromkeys(job for job, _ in scene.asking)


def may_identify(permissions: Any) -> bool:
    """Whether a `permissions:` has `id-token: write`. Without any there is no identity token."""
    return permissions == "write-all" or mapping(permissions).get("id-token") == "write"


def without_token(way: Way) -> Job | None:
    """The first job on ``way`` that keeps the last one from an identity token; None where it gets one."""
    for number, job in enumerate(way.jobs):
        own = job.granted
        if number and own is None:
            continue  # it has what its caller has
        if not may_identify(own):
            return job
    return None


def gets_token(scene: Scene, job: Job) -> bool:
    """Whether some way gives ``job`` an identity token."""
    return any(without_token(way) is None for way in scene.ways_to(job))


def grant(job: Job) -> tuple[Edit, ...] | None:
    """The edit that gives ``job`` `id-token: write` and takes nothing from it."""
    own = job.value.get("permissions")
    if isinstance(own, dict):
        return _grant_in(job.file, own)
    if own is not None:
        return None
    if job.granted not in (None, "read-all", {}) and not isinstance(job.granted, dict):
        return None
    kept = {str(name): str(value) for name, value in mapping(job.granted).items() if name != "id-token"}
    if job.granted in (None, "read-all") or any(step.uses("actions/checkout") for step in job.steps):
        kept.setdefault("contents", "read")
    lines = ["permissions:", "  id-token: write", *(f"  {name}: {value}" for name, value in kept.items())]
    before = next((key for key in ("steps", "uses") if key in job.value), None)
    return add(job.file, job.value, "\n".join(lines), before=before)


def _grant_in(file: File, permissions: Mapping[str, Any]) -> tuple[Edit, ...] | None:
    spot = value_spot(permissions, "id-token")
    if spot is not None:
        return (Edit(path=file.path, start=spot.start, end=spot.end, text="write"),)
    return add(file, permissions, "id-token: write")


def declared_index(scene: Scene, step: Step, target: Target) -> str | None:
    """The name of the index that ``step`` publishes to, as the project declares it, or ``pypi`` or ``testpypi``."""
    if target.given is None and step.publication is not None and step.publication.tool.startswith("trustpub"):
        return scene.declared.default_index or "pypi"
    for name, index in scene.declared.indexes.items():
        if target.name is not None and target.name in (name, index.url):
            return name
    return target.name


def with_pypi_action(step: Step) -> bool:
    """Whether ``step`` publishes with the PyPI action."""
    return step.uses(PYPI_ACTION)


def builds(step: Step) -> bool:
    """Whether ``step`` builds distributions."""
    return step.uses(*BUILDING_ACTIONS) or any(BUILDS.search(line) for line in step.lines)


def off(value: Any) -> bool:
    """Whether an input of an action says no."""
    return value is False or str(value).lower() == "false"


def on(value: Any) -> bool:
    """Whether an input of an action says yes."""
    return value is True or str(value).lower() == "true"
