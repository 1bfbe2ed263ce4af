# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What init writes is rehearsed: the release that it describes is played to its end, impostors included.

Every platform, trigger, trial and builder is among these, and every turn that changes who publishes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from trustpub.workflow.generate.answers import BUILDERS, PLATFORMS, TRIALS, TRIGGERS, Answers, Target

from .shapes import ACCOUNT, OWN, answers, committed, write

FOLDER: dict[str, Any] = {"folder": PurePosixPath("packages/demo"), "tag": "demo-v{version}"}
SHAPES: dict[str, tuple[Answers, tuple[str, ...]]] = {
    "tag": (answers(trial="never"), ()),
    "dispatch-every-push": (answers(trigger="dispatch", trial="every-push", builder="hatch"), ()),
    "release-own": (answers(trigger="release", trial="own", builder="poetry", attestations=False), ()),
    "compiled": (answers(compiled=True, tests="pytest", pythons=("3.11", "3.12"), changelog="CHANGELOG.md"), ()),
    "own-index": (answers(trial="own", builder="uv", target=OWN, **FOLDER), ()),
    "without-environment": (answers(trigger="dispatch", target=Target(name="pypi")), ()),
    "gitlab": (answers("gitlab", builder="uv"), ("--provider", "gitlab")),
    "gitlab-own-index": (answers("gitlab", target=OWN, trial="never", **FOLDER), ("--provider", "gitlab")),
    "google": (answers("google", trial="own"), ("--provider", "google", "--service-account", ACCOUNT)),
    "activestate": (answers("activestate"), ("--provider", "activestate")),
    "generic": (answers("generic"), ("--provider", "buildkite")),
}
SELDOM = {"compiled", "own-index", "without-environment", "gitlab-own-index"}
"""Nothing is only in these: they are for the long tests."""
WHO = {
    "without-environment": {"repository": "acme/demo", "workflow": "release.yml"},
    "own-index": {"repository": "acme/demo", "workflow": "release.yml", "environment": "release"},
    "gitlab": {
        "namespace": "acme", "project": "demo", "workflow_filepath": ".gitlab-ci.yml", "environment": "pypi",
    },
    "gitlab-own-index": {"namespace": "acme", "project": "demo", "environment": "release"},
    "google": {"email": ACCOUNT},
    "activestate": {"organization": "acme", "project": "demo"},
    "generic": {"organization": "acme", "pipeline": "demo"},
}  # fmt: skip


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was built, once for all: how is not the question here."""
    folder = tmp_path_factory.mktemp("built")
    write(folder, answers())
    build = [sys.executable, "-m", "build", "--no-isolation", str(folder)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    return folder / "dist"


def test_these_are_of_every_kind() -> None:
    made = [one for name, (one, _) in SHAPES.items() if name not in SELDOM]
    assert {one.platform for one in made} == set(PLATFORMS)
    assert {one.trigger for one in made} == set(TRIGGERS)
    assert {one.trial for one in made} == set(TRIALS)
    assert {one.builder for one in made} == set(BUILDERS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in SELDOM else []) for name in SHAPES]
)
def test_a_shape_is_rehearsed_to_its_end(name: str, tmp_path: Path, dist: Path) -> None:
    made, options = SHAPES[name]
    clone = tmp_path / "demo"
    write(clone, made)
    committed(clone)
    # One is built as well, as the workflow would.
    built = ("--no-isolation",) if name == "tag" else ("--dist", str(dist))
    argv = [sys.executable, "-m", "trustpub", "rehearse", str(clone / made.folder), *built, *options, "--json"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    told = json.loads(done.stdout)
    usual = {"repository": "acme/demo", "workflow": "release.yml", "environment": "pypi"}
    assert WHO.get(name, usual).items() <= told["trusted_as"].items()
    if name == "without-environment":
        assert "environment" not in told["trusted_as"]
