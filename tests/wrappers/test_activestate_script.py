# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""ActiveState's build script and state commands: what a person runs, and what its builder then does.

The platform is ActiveState's own and cannot run here. Its State Tool is played by a program that notes how it was
called and keeps the script that it was given; then the emulated builder carries out the step that the script describes.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trustpub.client.files import collect
from trustpub.http import Http
from trustpub.rehearsal.activestate import Builder, PypiPublisher
from trustpub.rehearsal.issuers import ActiveStateIssuer, Artifact

from .buildscript import Call, Name, read
from .conftest import ROOT, Make, Shop, hashes

SCRIPT = ROOT / "wrappers" / "activestate" / "publish.sh"
STATE_TOOL = """\
#!/usr/bin/env python3
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "commit":
    os.replace("buildscript.as", "committed.as")
sys.exit(os.path.exists("refuse-" + sys.argv[1]))
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where activestate.yaml is."""
    made = tmp_path / "project"
    made.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "state").write_text(STATE_TOOL, encoding="utf-8")
    (tmp_path / "bin" / "state").chmod(0o755)
    return made


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    """publish.sh with these words and variables."""

    def one(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"),
            "ORGANIZATION": "ada-org", "PACKAGE": "hello", **variables,
        }  # fmt: skip
        return subprocess.run(
            ["bash", str(SCRIPT), *words], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    return one


def calls(tmp_path: Path) -> list[Any]:
    """How the State Tool was called."""
    noted = tmp_path / "calls"
    return [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()] if noted.exists() else []


WHEN = "2026-11-21T19:26:00.123Z"


def test_the_source_is_handed_over_with_what_builds_it(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "hello-1.0.tar.gz").touch()
    done = run("source", "hello-1.0.tar.gz")
    assert done.returncode == 0, done.stderr
    (words,) = calls(tmp_path)
    assert words[:6] == ["publish", "--namespace", "private/ada-org", "--name", "hello", "hello-1.0.tar.gz"]
    assert words[6::2] == ["--depend"] * 4
    assert words[7::2] == [
        "builder/python-module-builder@>=0", "language/python@>=3", "language/python/setuptools@>=43.0.0",
        "language/python/wheel@>=0",
    ]  # fmt: skip


def test_the_release_is_committed_and_published_to_the_index_that_is_named(
    run: Run, shop: Shop, folder: Path, tmp_path: Path, make: Make, project: str
) -> None:
    host = shop.url.removeprefix("https://")
    done = run("release", WHEN, PACKAGE=project, VERSION="1.0", INDEX=host, AUDIENCE=shop.audience, ATTEMPT="2")
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == [["commit"], ["eval", "publish_receipt"]]
    script = read((folder / "committed.as").read_text(encoding="utf-8"))
    assert script["at_time"] == WHEN
    step = script["publish_receipt"]
    assert step.function == "pypi_publisher"
    assert step.arguments.pop("src") == Name(name="wheels")
    assert script["wheel_srcs"].arguments["namespace"] == "private/ada-org"
    assert script["wheels"].function == "make_wheel"
    package = script["sources"].arguments["requirements"][1].arguments
    assert package["name"] == project
    assert package["version"] == Call(function="Eq", arguments={"value": "1.0"})

    files = make(tmp_path / "wheels", project)
    built = Artifact(
        organization="ada-org", project=project, actor="ada", actor_id="00000000-0000-1000-8000-000000000002",
        ingredient=project,
    )  # fmt: skip
    fields = {"organization": "ada-org", "project": project, "actor_id": built.actor_id}
    with ActiveStateIssuer(clock=time.time) as platform, Http(env={}, ca=str(shop.index.ca)) as http:
        shop.believe(platform, "activestate")
        shop.register(project, "activestate", platform, fields)
        distributions = collect([str(path) for path in files]).distributions
        Builder(platform, built, http).run(PypiPublisher(**step.arguments), distributions)
    assert shop.files(project) == hashes(files)


def test_without_an_index_the_script_means_pypi(run: Run, folder: Path) -> None:
    assert run("release", WHEN, VERSION="1.0", PYTHON="3.12", PLATFORM="0" * 36).returncode == 0
    script = read((folder / "committed.as").read_text(encoding="utf-8"))
    step = script["publish_receipt"].arguments
    assert (step["attempt"], step["audience"], step["pypi_uri"]) == (1, "", "")
    assert script["sources"].arguments["platforms"] == ["0" * 36]
    assert script["wheels"].arguments["python_version"] == "3.12"


def test_nothing_is_published_where_the_commit_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "refuse-commit").touch()
    assert run("release", WHEN, VERSION="1.0").returncode != 0
    assert calls(tmp_path) == [["commit"]]


HOSTILE = '1", pypi_uri = "elsewhere.test'


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        (["release", WHEN], {"VERSION": HOSTILE}, "VERSION cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "INDEX": HOSTILE}, "INDEX cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "AUDIENCE": HOSTILE}, "AUDIENCE cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "PYTHON": HOSTILE}, "PYTHON cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "PLATFORM": HOSTILE}, "PLATFORM cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "ATTEMPT": "0"}, "ATTEMPT cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "PACKAGE": HOSTILE}, "PACKAGE cannot be"),
        (["release", WHEN], {"VERSION": "1.0", "ORGANIZATION": ""}, "ORGANIZATION is not set"),
        (["release", WHEN], {}, "VERSION is not set"),
        (["release", HOSTILE], {"VERSION": "1.0"}, "TIMESTAMP cannot be"),
        (["release"], {"VERSION": "1.0"}, "say the timestamp"),
        (["source", "missing.tar.gz"], {}, "there is no file missing.tar.gz"),
        (["source"], {}, "say which file"),
        ([], {}, "say what to do"),
    ],
)
def test_what_cannot_be_meant_is_named_and_nothing_is_done(
    run: Run, folder: Path, tmp_path: Path, words: list[str], variables: dict[str, str], told: str
) -> None:
    done = run(*words, **variables)
    assert done.returncode == 2
    assert told in done.stderr
    assert calls(tmp_path) == []
    assert list(folder.iterdir()) == []
