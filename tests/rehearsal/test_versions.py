# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A version is put where the workflow would put it, or nowhere."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from trustpub.errors import Misuse
from trustpub.rehearsal.project import find
from trustpub.rehearsal.versions import place


def placed(folder: Path, settings: str, version: str = "1.2.3", *, commands: Sequence[str] = ()) -> Mapping[str, str]:
    (folder / "pyproject.toml").write_text(settings, "utf-8")
    return place(version, find(folder), folder, commands=commands, tag=f"v{version}", env={"PATH": "/usr/bin:/bin"})


def needs(tool: str, more: str = "") -> str:
    return f'[build-system]\nrequires = ["{tool}>=1"]\n{more}\n[project]\nname = "x"\ndynamic = ["version"]\n'


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        (needs("setuptools_scm[toml]"), "SETUPTOOLS_SCM_PRETEND_VERSION"),
        (needs("hatch-vcs"), "SETUPTOOLS_SCM_PRETEND_VERSION"),
        (needs("pdm-backend", '[tool.pdm.version]\nsource = "scm"'), "PDM_BUILD_SCM_VERSION"),
        (needs("uv-dynamic-versioning"), "UV_DYNAMIC_VERSIONING_BYPASS"),
        (
            needs("poetry-dynamic-versioning", '[tool.poetry]\nversion = "0.0.0"'),
            "POETRY_DYNAMIC_VERSIONING_BYPASS",
        ),
    ],
)
def test_a_version_from_the_history_is_told_by_variable(tmp_path: Path, settings: str, variable: str) -> None:
    assert placed(tmp_path, settings) == {variable: "1.2.3"}


def test_a_version_that_is_read_from_a_tag_becomes_one(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert placed(tmp_path, needs("versioneer")) == {}
    assert subprocess.run([*git, "tag"], check=True, capture_output=True, text=True).stdout == "v1.2.3\n"


def test_without_a_history_there_is_no_tag(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="history"):
        placed(tmp_path, needs("versioneer"))


STATIC = '[tool.other]\nversion = "7"\n[project]\nname = "x"\nversion = "0.0.0"  # set by the workflow\n'


@pytest.mark.parametrize(
    "command",
    ["sed -i s/0.0.0/${GITHUB_REF_NAME#v}/ pyproject.toml", "hatch version 1", "poetry version $V", "uv version 1"],
)
def test_a_version_that_the_workflow_writes_is_written(tmp_path: Path, command: str) -> None:
    assert placed(tmp_path, STATIC, commands=[command]) == {}
    wanted = STATIC.replace("0.0.0", "1.2.3")
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == wanted


def test_hatch_writes_it_into_the_file_it_reads(tmp_path: Path) -> None:
    (tmp_path / "about.py").write_text('"""About."""\n__version__ = "0"\n', "utf-8")
    settings = needs("hatchling", '[tool.hatch.version]\npath = "about.py"')
    assert placed(tmp_path, settings, commands=["hatch version 1.2.3"]) == {}
    assert (tmp_path / "about.py").read_text("utf-8") == '"""About."""\n__version__ = "1.2.3"\n'


def test_a_version_that_stands_there_already_needs_nothing(tmp_path: Path) -> None:
    assert placed(tmp_path, STATIC, "0.0") == {}


@pytest.mark.parametrize(
    ("settings", "version", "commands", "why"),
    [
        (STATIC, "not a version", [], "PEP 440"),
        (STATIC, "1; rm -r", [], "PEP 440"),
        (STATIC, "1.2.3", ["python -m build"], "no step"),
        (needs("setuptools"), "1.2.3", [], "no step"),
        (needs("setuptools"), "1.2.3", ["sed -i s/0/1/ setup.py"], "not known"),
        (needs("hatchling", '[tool.hatch.version]\npath = "../x.py"'), "1", ["hatch version 1"], "does not lie"),
    ],
)
def test_what_cannot_be_placed_is_refused(
    tmp_path: Path, settings: str, version: str, commands: list[str], why: str
) -> None:
    with pytest.raises(Misuse, match=why):
        placed(tmp_path, settings, version, commands=commands)
