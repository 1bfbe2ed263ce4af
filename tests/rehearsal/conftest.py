# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Rehearsals as a person starts them, and what they leave behind."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Rehearse = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def example() -> Path:
    """The project that `make demo` rehearses."""
    return ROOT / "examples" / "hello-release"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built of that project: a wheel and a source distribution."""
    folder = tmp_path_factory.mktemp("built")
    argv = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*argv, str(ROOT / "examples" / "hello-release")], check=True, capture_output=True)
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """What TMPDIR names for a rehearsal: everything it makes is below."""
    made = tmp_path / "tmp"
    made.mkdir()
    return made


@pytest.fixture
def rehearse(temporary: Path, tmp_path: Path) -> Rehearse:
    """`trustpub rehearse …`, from an unrelated folder."""

    def run(*arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "trustpub", "rehearse", *map(str, arguments)]
        return subprocess.run(
            argv, cwd=tmp_path, env={**os.environ, "TMPDIR": str(temporary), **(env or {})},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def program() -> Callable[[str], Path]:
    """The folder of a real client, from its own environment below .venvs."""

    def find(name: str) -> Path:
        folder = ROOT / ".venvs" / name / "bin"
        if not (folder / name).exists():
            pytest.skip(f"THE REAL {name} IS NOT HERE, so nothing about it was tested. Get it: make clients")
        return folder

    return find


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a release workflow, to be spoilt in one way or another."""
    made = tmp_path / "project"
    (made / ".github" / "workflows").mkdir(parents=True)
    (made / "odd_one").mkdir()
    (made / "odd_one" / "__init__.py").write_text("", "utf-8")
    (made / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        '[project]\nname = "odd-one"\nversion = "0.0.0"\n\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["odd_one"]\n',
        "utf-8",
    )
    (made / ".github" / "workflows" / "release.yml").write_text(
        "on:\n  push:\n    tags: ['v*']\njobs:\n  publish:\n    runs-on: ubuntu-latest\n    environment: release\n"
        "    permissions:\n      id-token: write\n    steps:\n      - run: python -m build\n      - run: uv publish\n",
        "utf-8",
    )
    return made


def an_sdist(folder: Path, name: str, version: str = "1.0") -> Path:
    """A source distribution that an index takes."""
    path = folder / f"{name}-{version}.tar.gz"
    settings = b'[build-system]\nrequires = []\nbuild-backend = "none"\n'
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member, content in (("pyproject.toml", settings), ("PKG-INFO", about)):
            entry = tarfile.TarInfo(f"{name}-{version}/{member}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def processes_below(folder: Path) -> list[str]:
    """Command lines of running programs that speak of ``folder``."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def read_json(text: str) -> dict[str, object]:
    """The one JSON object that ``text`` is."""
    value = json.loads(text)
    assert isinstance(value, dict)
    return value
