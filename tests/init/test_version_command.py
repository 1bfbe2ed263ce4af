# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`trustpub version` reads and writes a version where the build reads it, and refuses what must not be released."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from trustpub.workflow import version as standing

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name


def run(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return typed("version", *words, cwd=folder, env=env)


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false")
    return subprocess.run(
        ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def repository(folder: Path, *tags: str) -> None:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    for tag in tags:
        git(folder, "tag", "-a", "-m", tag, tag)


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


STATIC = '# ours\n[tool.x]\nversion = "9"\n[project]\nname = "x"\nversion = "1.2.0"  # here\n\n[other]\nversion = "7"\n'
DYNAMIC = '[project]\nname = "a-b"\ndynamic = ["version"]\n'
OWN = "[tool.hatch.version]\npath = \"a.py\"\npattern = '# V == (?P<version>{})'\n"
STANDS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "pyproject": ({"pyproject.toml": STATIC}, "pyproject.toml"),
    "poetry": ({"pyproject.toml": '[tool.poetry]\nname = "x"\nversion = "1.2.0"\n'}, "pyproject.toml"),
    "hatch": (
        {
            "pyproject.toml": DYNAMIC + '[tool.hatch.version]\npath = "src/a/about.py"\n',
            "src/a/about.py": 'import os\n__version__ = "1.2.0"\nx = "1.2.0"\n',
        },
        "src/a/about.py",
    ),
    "hatch with a pattern": (
        {
            "pyproject.toml": DYNAMIC + OWN.format("[^ ]+"),
            "a.py": "# V == 1.2.0 .\n",
        },
        "a.py",
    ),
    "setuptools, an attribute": (
        {
            "pyproject.toml": DYNAMIC + '[tool.setuptools.dynamic]\nversion = { attr = "a_b.VERSION" }\n',
            "src/a_b/__init__.py": 'VERSION: str = "1.2.0"\n',
        },
        "src/a_b/__init__.py",
    ),
    "setuptools, a file": (
        {
            "pyproject.toml": DYNAMIC + '[tool.setuptools.dynamic]\nversion = { file = ["VERSION"] }\n',
            "VERSION": "1.2.0\n",
        },
        "VERSION",
    ),
    "pdm": (
        {
            "pyproject.toml": DYNAMIC + '[tool.pdm.version]\nsource = "file"\npath = "a/v.py"\n',
            "a/v.py": "__version__ = '1.2.0'\n",
        },
        "a/v.py",
    ),
    "flit": (
        {
            "pyproject.toml": '[build-system]\nrequires = ["flit_core>=3"]\n' + DYNAMIC,
            "a_b/__init__.py": '"""A."""\n__version__ = "1.2.0"\n',
        },
        "a_b/__init__.py",
    ),
    "maturin": (
        {
            "pyproject.toml": '[build-system]\nrequires = ["maturin>=1"]\n' + DYNAMIC,
            "Cargo.toml": '[package]\nname = "x"\nversion = "1.2.0"\n[dependencies]\ny = { version = "1.2.0" }\n',
        },
        "Cargo.toml",
    ),
    "meson": (
        {
            "pyproject.toml": '[build-system]\nrequires = ["meson-python"]\n' + DYNAMIC,
            "meson.build": "project('x', 'c',\n  version: '1.2.0',\n)\n",
        },
        "meson.build",
    ),
    "scikit-build": (
        {
            "pyproject.toml": DYNAMIC + '[tool.scikit-build.metadata.version]\ninput = "a.py"\n',
            "a.py": '__version__ = "1.2.0"\n',
        },
        "a.py",
    ),
    "setup.cfg": ({"setup.cfg": "[metadata]\nname = x\nversion = 1.2.0\n[options]\nversion = 3\n"}, "setup.cfg"),
    "setup.py": ({"setup.py": 'from setuptools import setup\n\nsetup(\n    version="1.2.0",\n)\n'}, "setup.py"),
}  # fmt: skip


@pytest.mark.parametrize("where", STANDS)
def test_a_version_is_written_where_it_stands_and_nothing_else_is_touched(tmp_path: Path, where: str) -> None:
    files, place = STANDS[where]
    lay(tmp_path, files)
    assert standing.read(tmp_path, standing.source(tmp_path)) == "1.2.0"
    done = run(tmp_path, "1.3.0rc1")
    assert (done.returncode, done.stdout) == (0, "1.3.0rc1\n"), done.stderr
    after = {name: (tmp_path / name).read_text("utf-8") for name in files}
    changed = {name for name in files if after[name] != files[name]}
    assert changed == {place}
    before = files[place].splitlines()
    lines = [(old, new) for old, new in zip(before, after[place].splitlines(), strict=True) if old != new]
    assert len(lines) == 1
    assert lines[0][0].replace("1.2.0", "1.3.0rc1") == lines[0][1]
    assert run(tmp_path).stdout == "1.3.0rc1\n"


@pytest.mark.parametrize(
    ("given", "code", "why"),
    [
        ("not-a-version", 2, "PEP 440"),
        ("1.3; rm", 2, "PEP 440"),
        ("1.3.0+local", 2, "local version"),
        ("1.1.9", 1, "not newer than 1.2.0"),
        ("1.2", 1, "not newer than 1.2.0"),
        ("1.2.0.dev3", 1, "not newer than 1.2.0"),
    ],
)
@pytest.mark.parametrize("how", ["write", "check"])
def test_what_must_not_be_released_is_refused_and_changes_nothing(
    tmp_path: Path, given: str, code: int, why: str, how: str
) -> None:
    lay(tmp_path, {"pyproject.toml": STATIC})
    done = run(tmp_path, *(["--check", given] if how == "check" else [given]))
    assert done.returncode == code
    assert why in done.stderr
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == STATIC


@pytest.mark.parametrize(("style", "tag"), [("v{version}", "v1.4"), ("x-{version}", "x-1.4.0"), ("v{version}", "1.4")])
def test_a_version_with_a_tag_is_refused(tmp_path: Path, style: str, tag: str) -> None:
    repository(tmp_path, tag)
    lay(tmp_path, {"pyproject.toml": f'{STATIC}[tool.trustpub]\ntag = "{style}"\n'})
    done = run(tmp_path, "1.4.0")
    assert done.returncode == 1
    assert f"the tag {tag} is there" in done.stderr


def test_the_version_of_the_first_release_may_stand_there_already(tmp_path: Path) -> None:
    repository(tmp_path)
    lay(tmp_path, {"pyproject.toml": STATIC})
    assert run(tmp_path, "1.2.0").returncode == 0
    git(tmp_path, "tag", "v1.2.0")
    assert "the tag v1.2.0 is there" in run(tmp_path, "1.2.0").stderr
    assert "not newer than 1.2.0, which has a tag" in run(tmp_path, "1.1").stderr


def test_a_shallow_clone_does_not_count_as_having_no_tags(tmp_path: Path) -> None:
    repository(tmp_path)
    lay(tmp_path, {"pyproject.toml": STATIC, ".git/shallow": "0" * 40 + "\n"})
    assert run(tmp_path, "1.2.0").returncode == 1


SCM = '[build-system]\nrequires = ["setuptools_scm"]\n' + DYNAMIC


def test_a_version_made_from_git_is_checked_and_written_nowhere(tmp_path: Path) -> None:
    repository(tmp_path, "v1.2.0")
    lay(tmp_path, {"pyproject.toml": SCM})
    assert run(tmp_path).stdout == "1.2.0\n"
    assert run(tmp_path, "--check", "1.3").returncode == 0
    assert run(tmp_path, "--check", "1.2").returncode == 1
    assert "nowhere to write" in run(tmp_path, "1.3").stderr


def test_a_development_version_is_told_to_the_build_and_to_cibuildwheel(tmp_path: Path) -> None:
    repository(tmp_path, "v1.2.0", "v0.9")
    lay(tmp_path, {"pyproject.toml": SCM})
    told = {"GITHUB_ENV": str(tmp_path / "env"), "CIBW_ENVIRONMENT_PASS_LINUX": "CC"}
    done = run(tmp_path, "--development", "7", "--unless-tag", env=told)
    assert (done.returncode, done.stdout) == (0, "1.2.1.dev7\n"), done.stderr
    assert (tmp_path / "env").read_text() == (
        "SETUPTOOLS_SCM_PRETEND_VERSION=1.2.1.dev7\nCIBW_ENVIRONMENT_PASS_LINUX=CC SETUPTOOLS_SCM_PRETEND_VERSION\n"
    )
    without = run(tmp_path, "--development", "7")
    assert without.returncode == 2
    assert "export SETUPTOOLS_SCM_PRETEND_VERSION=1.2.1.dev7" in without.stderr


def test_a_development_version_that_only_a_tag_can_say_becomes_one_here(tmp_path: Path) -> None:
    repository(tmp_path, "v1.2.0")
    lay(tmp_path, {"pyproject.toml": '[build-system]\nrequires = ["versioneer"]\n' + DYNAMIC})
    assert run(tmp_path, "--development", "7").returncode == 0
    assert git(tmp_path, "tag") == "v1.2.0\nv1.2.1.dev7"


@pytest.mark.parametrize("tag", [{"GITHUB_REF": "refs/tags/v1.2.0"}, {"CI_COMMIT_TAG": "v1.2.0"}])
def test_a_tag_that_is_built_keeps_its_version(tmp_path: Path, tag: Mapping[str, str]) -> None:
    lay(tmp_path, {"pyproject.toml": STATIC})
    assert run(tmp_path, "--development", "7", "--unless-tag", env=tag).stdout == "1.2.0\n"
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == STATIC
    assert run(tmp_path, "--development", "7", env=tag).stdout == "1.2.1.dev7\n"


def test_a_project_elsewhere_is_meant_by_its_folder(tmp_path: Path) -> None:
    repository(tmp_path)
    lay(tmp_path, {"packages/x/pyproject.toml": STATIC})
    done = run(tmp_path, "2", "--project", "packages/x", "--json")
    assert json.loads(done.stdout) == {
        "version": "2",
        "changed": "pyproject.toml",
        "source": {
            "kind": "file",
            "path": "pyproject.toml",
            "variable": None,
            "why": "pyproject.toml has it in [project]",
        },
    }


def test_a_version_that_the_build_would_read_as_another_is_not_written(tmp_path: Path) -> None:
    lay(tmp_path, {"pyproject.toml": DYNAMIC + OWN.format("[0-9.]+"), "a.py": "# V == 1.2.0\n"})
    assert run(tmp_path, "1.2.1").returncode == 0
    done = run(tmp_path, "1.3.0rc1")
    assert (done.returncode, (tmp_path / "a.py").read_text()) == (2, "# V == 1.2.1\n")
    assert "would not read 1.3.0rc1 again" in done.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('project = { name = "x", version = "1.2.0" }\n', "no line that sets it"),
        ('[project]\nreadme = """\nversion = "1.2.0"\n"""\nversion = "1.2.0"\n', "on a line of its own"),
        ("[project]\nname = 1\n", "is not known"),
        ("[project\n", "is not TOML"),
        (DYNAMIC + '[tool.hatch.version]\npath = "../secret.py"\n', "does not lie in the project"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_exactly_is_not_written(tmp_path: Path, text: str, why: str) -> None:
    folder = tmp_path / "project"
    lay(tmp_path, {"project/pyproject.toml": text, "secret.py": '__version__ = "1"\n'})
    done = run(folder, "1.3.0")
    assert done.returncode == 2
    assert why in done.stderr
    assert (folder / "pyproject.toml").read_text("utf-8") == text
    assert (tmp_path / "secret.py").read_text("utf-8") == '__version__ = "1"\n'


def test_a_job_that_builds_needs_no_extra_for_it(tmp_path: Path) -> None:
    lay(tmp_path, {"pyproject.toml": STATIC})
    asked = (
        "import sys\nfor name in ('yaml', 'ruamel', 'tomlkit', 'sqlalchemy'): sys.modules[name] = None\n"
        "from trustpub.cli.main import run\nrun(['version', '1.3'])"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1.3\n"), done.stderr


PARTS = st.integers(0, 40)
VERSIONS = st.builds(
    lambda release, pre, dev: Version(".".join(map(str, release)) + pre + dev),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", "a1", "b2", "rc3"]),
    st.sampled_from(["", ".dev0", ".dev9"]),
)


@settings(max_examples=200, deadline=None)
@given(stands=VERSIONS, one=st.integers(0, 500), other=st.integers(0, 500))
def test_a_development_version_is_later_than_what_stands_and_every_push_has_its_own(
    stands: Version, one: int, other: int
) -> None:
    found = standing.next_development(stands, one)
    assert found.is_devrelease
    assert found > stands or (stands.is_devrelease and stands.dev is not None and one <= stands.dev)
    assert (found == standing.next_development(stands, other)) == (one == other)


TOML = st.text(alphabet="ab \n=\"[].#'1", max_size=60)


@settings(max_examples=300, deadline=None)
@given(before=TOML, after=TOML, wanted=VERSIONS)
def test_writing_a_version_changes_that_value_in_the_document_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, wanted: Version
) -> None:
    text = f'{before}\n[project]\nname = "x"\nversion = "1.2.0"\n{after}'
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    folder = tmp_path_factory.mktemp("written")
    path = folder / "pyproject.toml"
    path.write_text(text, "utf-8", newline="")
    standing.write(folder, standing.source(folder), str(wanted))
    document["project"]["version"] = str(wanted)
    assert tomllib.loads(path.read_text("utf-8")) == document
