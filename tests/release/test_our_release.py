# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""trustpub is released by the workflow that its own ``init`` writes, and that release is rehearsed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RELEASED = (
    "src",
    "wrappers",
    ".github",
    "changelog.d",
    "action.yml",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
)
LEFT = shutil.ignore_patterns("__pycache__", "*.pyc")
BUILD = ("Install what builds", "Build", "Check names, metadata, and that the tag is the version")


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the checkout of the release job has, as far as it builds and releases; nobody changes this one."""
    folder = tmp_path_factory.mktemp("taken") / "trustpub"
    folder.mkdir()
    for name in RELEASED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def checkout(taken: Path, tmp_path: Path) -> Path:
    """A checkout of its own for one test."""
    return shutil.copytree(taken, tmp_path / "trustpub")


@pytest.fixture(scope="module")
def dist(taken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is released, built as the workflow builds it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(taken)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    return folder


def trustpub(folder: Path, *words: str, code: int = 0, **env: str) -> str:
    """What the program says in ``folder``; it must end with ``code``."""
    done = subprocess.run(
        [sys.executable, "-m", "trustpub", *words], cwd=folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_workflow_is_what_init_writes_from_the_answers_that_are_kept_in_it(checkout: Path) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    told = json.loads(
        trustpub(checkout, "init", "--yes", "--offline", "--json", "--platform", "github",
                 "--repository", "trustpub/trustpub")
    )  # fmt: skip
    assert {one["path"]: one["change"] for one in told["files"]} == dict.fromkeys(
        (".github/workflows/release.yml", ".github/release-requirements.txt", "pyproject.toml"), "unchanged"
    )
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before


def test_the_doctor_finds_nothing_in_any_of_our_workflows(checkout: Path) -> None:
    assert trustpub(checkout, "doctor") == "Nothing found in 3 files.\n"
    broken = checkout / ".github/workflows/release.yml"
    broken.write_text(broken.read_text("utf-8").replace("      id-token: write", "      contents: read"), "utf-8")
    assert "id-token" in trustpub(checkout, "doctor", code=1)


def test_zizmor_finds_nothing_in_any_of_our_workflows(checkout: Path) -> None:
    program = ROOT / ".venvs" / "zizmor" / "bin" / "zizmor"
    if not program.exists():
        pytest.skip("THE REAL zizmor IS NOT HERE, and it judges our workflows. Get it: make .venvs/zizmor/installed")
    argv = [str(program), "--offline", "--pedantic", "--format", "json", str(checkout / ".github")]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert (json.loads(done.stdout), done.returncode) == ([], 0), done.stderr


def test_our_release_is_rehearsed_to_its_end(checkout: Path, dist: Path) -> None:
    told = json.loads(trustpub(checkout, "rehearse", "--dist", str(dist), "--json"))
    wanted = {"repository": "trustpub/trustpub", "workflow": "release.yml", "environment": "pypi"}
    assert wanted.items() <= told["trusted_as"].items()
    assert told["notes"] == []
    assert [one["name"] for one in told["impostors"] if not one["refused"]] == []


def test_the_job_that_builds_installs_what_it_releases_and_no_earlier_one(checkout: Path) -> None:
    workflow = yaml.load((checkout / ".github/workflows/release.yml").read_text("utf-8"), yaml.CSafeLoader)
    steps = {one.get("name"): one.get("run", "") for one in workflow["jobs"]["build"]["steps"]}
    assert [name for name in steps if name in BUILD] == list(BUILD)
    assert steps[BUILD[0]].splitlines()[1:] == ["python -m pip install --no-deps ."]
    assert not any("trustpub==" in run for run in steps.values())


def test_the_files_pass_the_check_of_the_release_for_their_own_tag_only(checkout: Path, dist: Path) -> None:
    workflow = yaml.load((checkout / ".github/workflows/release.yml").read_text("utf-8"), yaml.CSafeLoader)
    script = next(one["run"] for one in workflow["jobs"]["build"]["steps"] if one.get("name") == BUILD[2])
    version = trustpub(checkout, "version").split()[-1]
    shutil.copytree(dist, checkout / "dist")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for ref, code in ((f"refs/tags/v{version}", 0), ("refs/tags/v99.0", 1)):
        env = {**os.environ, "PATH": path, "GITHUB_ACTIONS": "true", "GITHUB_REF": ref}
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=checkout, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"


def test_a_new_version_stands_where_the_program_the_build_and_the_jobs_that_init_writes_read_it(checkout: Path) -> None:
    assert "9.9" in trustpub(checkout, "version", "9.9")
    said = trustpub(checkout, "--version", PYTHONPATH=str(checkout / "src"))
    assert said == "trustpub 9.9\n"
    build = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        str(checkout / "dist"),
        str(checkout),
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    assert [path.name for path in (checkout / "dist").iterdir()] == ["trustpub-9.9-py3-none-any.whl"]
    told = trustpub(checkout, "init", "--yes", "--offline", "--dry-run", "--json", PYTHONPATH=str(checkout / "src"))
    assert {one["change"] for one in json.loads(told)["files"]} == {"unchanged"}


def test_the_notes_of_a_release_are_its_section_of_the_changelog(checkout: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "0.1.0", "--date", "2026-11-21"],
        cwd=checkout, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert trustpub(checkout, "notes", "v0.1.0", "--changelog", "CHANGELOG.md").startswith("### ")


def test_the_wheel_has_all_of_the_package_and_none_of_the_tests(taken: Path, dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(taken / "src").as_posix() for path in (taken / "src/trustpub").rglob("*") if path.is_file()
    }
    assert package <= names
    assert not [name for name in names if not name.startswith(("trustpub/", "trustpub-"))]
