# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub check``: what an index would say of files, and of a release as a whole; beside `twine check`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name
from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

ROOT = Path(__file__).parents[2]
TWINE = ROOT / ".venvs" / "twine" / "bin" / "twine"
WHEEL, SDIST = "hello_world-1.0-py3-none-any.whl", "hello_world-1.0.tar.gz"
HEAD = "Metadata-Version: 2.4\nName: hello-world\nVersion: 1.0\nSummary: It greets.\n"

DESCRIPTIONS: Mapping[str, tuple[str, str | None, bool]] = {
    "markdown": ("# Hello\n\n* one\n", "text/markdown", True),
    "markdown of a kind": ("# Hello\n", "text/markdown; charset=UTF-8; variant=GFM", True),
    "reStructuredText": ("Hello\n=====\n\n* one\n", "text/x-rst", True),
    "reStructuredText that is not said": ("Hello\n=====\n", None, True),
    "a heading that is too short": ("Hello\n==\n\n.. raw:: html\n\n   <b>\n", "text/x-rst", False),
    "a directive that there is not": (".. nothing-of-this-name::\n", "text/x-rst", False),
    "plain": ("as *it* is", "text/plain", True),
    "no type that is known": ("x", "application/pdf", False),
}


def check(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return typed("check", *words, cwd=folder, env=env)


def verdicts(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(check(folder, "--json", *words, env=env).stdout)
    return found


@pytest.fixture
def release(tmp_path: Path, build: Any) -> Path:
    """A folder with a project and its two built files."""
    dist = tmp_path / "project" / "dist"
    dist.mkdir(parents=True)
    text = f"{HEAD}Description-Content-Type: text/markdown\n\n# Hello\n"
    shutil.move(build.wheel(metadata=text), dist / WHEEL)
    shutil.move(build.sdist(metadata=text), dist / SDIST)
    return dist.parent


def test_a_sound_release_is_fit(release: Path) -> None:
    done = check(release)
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[1].split(" (")[0] for line in done.stdout.splitlines()] == ["fit", "fit"]
    assert done.stderr == ""


def test_programs_get_verdicts_with_digests(release: Path) -> None:
    told = verdicts(release)
    assert told["fit"] is True
    assert {one["path"] for one in told["files"]} == {f"dist/{WHEEL}", f"dist/{SDIST}"}
    assert all(one["version"] == "1.0" and len(one["sha256"]) == 64 for one in told["files"])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("truncated", "is not a"),
        ("another version", "1.0"),
        ("foreign", "not"),
        ("missing", "names no file"),
    ],
)
def test_what_an_index_would_refuse_is_told_before(release: Path, build: Any, broken: str, said: str) -> None:
    wheel = release / "dist" / WHEEL
    if broken == "truncated":
        wheel.write_bytes(wheel.read_bytes()[:-30])
    elif broken == "another version":
        shutil.move(wheel, wheel.with_name("hello_world-2.0-py3-none-any.whl"))
    elif broken == "foreign":
        (release / "dist" / "notes.txt").write_text("x")
    else:
        shutil.rmtree(release / "dist")
    done = check(release)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_is_judged_as_twine_judges_it(tmp_path: Path, build: Any, name: str) -> None:
    text, content_type, fit = DESCRIPTIONS[name]
    said = "" if content_type is None else f"Description-Content-Type: {content_type}\n"
    wheel = tmp_path / WHEEL
    shutil.move(build.wheel(metadata=f"{HEAD}{said}\n{text}"), wheel)
    assert verdicts(tmp_path, WHEEL)["fit"] is fit
    if TWINE.is_file() and content_type != "application/pdf":  # twine takes what it does not know for fit
        theirs = subprocess.run(
            [TWINE, "check", str(wheel)], capture_output=True, text=True, timeout=60, check=False, env={"NO_COLOR": "1"}
        )
        assert (theirs.returncode == 0) is fit, theirs.stdout


def test_pypi_takes_no_local_version_and_another_index_does(tmp_path: Path, build: Any) -> None:
    name = "hello_world-1.0+here-py3-none-any.whl"
    info = "hello_world-1.0+here.dist-info"
    text = HEAD.replace("1.0", "1.0+here") + "\nx"
    content = {f"{info}/METADATA": text.encode(), f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n"}
    (tmp_path / name).write_bytes(packed.wheel(info, content))
    told = verdicts(tmp_path, name, "--index", "pypi")
    assert "local part" in told["files"][0]["faults"][0]
    assert verdicts(tmp_path, name, "--index", "https://packages.example.com")["fit"] is True


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--tag", "v1.1"], {}),
        ([], {"GITHUB_REF": "refs/tags/v1.1"}),
        ([], {"CI_COMMIT_TAG": "v1.1"}),
        (["--tag", "refs/tags/1.0"], {}),
    ],
)
def test_a_tag_that_is_not_the_version_is_a_fault(release: Path, words: Sequence[str], env: Mapping[str, str]) -> None:
    (release / "pyproject.toml").write_text('[tool.trustpub]\ntag = "v{version}"\n')
    told = verdicts(release, *words, env=env)
    assert told["fit"] is False
    assert "it would be v1.0" in told["faults"][0]
    assert verdicts(release, "--tag", "v1.0")["fit"] is True
    assert verdicts(release, env={"GITHUB_REF": "refs/heads/main"})["fit"] is True


def test_a_release_has_as_many_files_as_the_project_declares(release: Path) -> None:
    (release / "pyproject.toml").write_text('[tool.trustpub]\nexpect = { sdist = 1, wheels = "2+" }\n')
    told = verdicts(release)
    assert told["faults"] == ["A release has 2 or more wheels, as pyproject.toml declares, and these are 1."]
    (release / "pyproject.toml").write_text('[tool.trustpub]\nexpect = { sdist = 1, wheels = "1+" }\n')
    assert verdicts(release)["fit"] is True


def test_files_of_two_versions_in_one_folder_are_a_doubt_and_with_strict_a_fault(release: Path, build: Any) -> None:
    text = HEAD.replace("1.0", "0.9") + "\nx"
    shutil.move(build.sdist(metadata=text, top="hello_world-0.9"), release / "dist" / "hello_world-0.9.tar.gz")
    told = verdicts(release)
    assert told["fit"] is True
    assert told["warnings"] == [
        "hello-world is here in several versions: 0.9, 1.0. Files of an earlier build may lie in the folder."
    ]
    assert check(release).returncode == 0
    assert check(release, "--strict").returncode == 1
