# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What cannot be rehearsed is said in a sentence, with an exit code, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.rehearsal.conftest import processes_below, read_json

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearse

Spoil = Callable[[Path], None]


def remove_workflow(project: Path) -> None:
    (project / ".github" / "workflows" / "release.yml").unlink()


def remove_project(project: Path) -> None:
    (project / "pyproject.toml").unlink()


def break_toml(project: Path) -> None:
    (project / "pyproject.toml").write_text("[project", "utf-8")


def break_yaml(project: Path) -> None:
    (project / ".github" / "workflows" / "release.yml").write_text("jobs: [", "utf-8")


def break_build(project: Path) -> None:
    text = (project / "pyproject.toml").read_text("utf-8")
    (project / "pyproject.toml").write_text(text.replace('version = "0.0.0"', 'version = "none"'), "utf-8")


def need_a_backend(project: Path) -> None:
    text = (project / "pyproject.toml").read_text("utf-8")
    wanted = text.replace('["hatchling"]', '["hatchling", "a-backend-that-nobody-has"]')
    (project / "pyproject.toml").write_text(wanted, "utf-8")


def drop_permission(project: Path) -> None:
    path = project / ".github" / "workflows" / "release.yml"
    path.write_text(path.read_text("utf-8").replace("id-token: write", "contents: read"), "utf-8")


def gitlab_without_token(project: Path) -> None:
    (project / ".gitlab-ci.yml").write_text("out:\n  script: [twine upload dist/*]\n", "utf-8")


def add_another(project: Path) -> None:
    folder = project / ".github" / "workflows"
    text = (folder / "release.yml").read_text("utf-8")
    (folder / "other.yml").write_text(text.replace("environment: release", "environment: other"), "utf-8")


def forgejo_without_permission(folder: Path) -> None:
    (folder / ".github").rename(folder / ".forgejo")


@pytest.mark.parametrize(
    ("spoil", "arguments", "code", "said"),
    [
        (remove_project, [], 2, "not a Python project"),
        (break_toml, [], 2, "not TOML"),
        (remove_workflow, [], 2, "--workflow"),
        (break_yaml, [], 2, "release.yml is not YAML that GitHub would take in line 1"),
        (break_build, [], 1, "does not build"),
        (need_a_backend, [], 2, 'pip install "a-backend-that-nobody-has"'),
        (drop_permission, [], 3, "id-token: write"),
        (add_another, [], 2, "other.yml: job publish (uv publish, environment other)"),
        (None, ["--client", "pip"], 2, "--client"),
        (None, ["--repository", "not a repository"], 2, "owner/name"),
        (None, ["--environment", "another"], 2, "environment release"),
        (remove_workflow, ["--workflow", "../release.yml"], 2, "not the name of a workflow file"),
        (None, ["--version", "one"], 2, "PEP 440"),
        (None, ["--dist", "nowhere"], 2, "--dist"),
        (None, ["--provider", "travis"], 2, "--provider"),
        (None, ["--service-account", "a@b.iam.gserviceaccount.com"], 2, "--service-account has no meaning"),
        (None, ["--provider", "google", "--environment", "x", "--workflow", "y"], 2, "have no meaning"),
        (
            None,
            ["--provider", "google", "--service-account", "ada@gmail.com"],
            2,
            "not the address of a service account",
        ),
        (None, ["--provider", "activestate", "--client", "uv"], 2, "runs no uv"),
        (None, ["--provider", "circleci", "--environment", "x"], 2, "said there with --repository"),
        (None, ["--provider", "kubernetes", "--service-account", "release/default"], 2, "that is any pod's"),
        (None, ["--provider", "kubernetes", "--service-account", "Release"], 2, "write it as namespace/name"),
        (None, ["--provider", "forgejo", "--workflow", "a/b.yml"], 2, "not the name of a workflow file"),
        (forgejo_without_permission, ["--provider", "forgejo"], 3, "enable-openid-connect: true"),
        (None, ["--provider", "gitlab", "--repository", "alone"], 2, "group/project"),
        (None, ["--provider", "gitlab", "--workflow", "../ci.yml"], 2, "not the path of a YAML file"),
        (gitlab_without_token, ["--provider", "gitlab"], 3, "      PYPI_ID_TOKEN:\n        aud: pypi"),
    ],
)
def test_it_is_said_and_nothing_is_left(
    spoil: Spoil | None, arguments: list[str], code: int, said: str, rehearse: Rehearse, project: Path, temporary: Path
) -> None:
    if spoil is not None:
        spoil(project)
    done = rehearse(project, *(["--no-isolation"] if "--dist" not in arguments else []), *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert list(temporary.iterdir()) == []
    assert processes_below(temporary) == []


def test_no_folder_is_no_project(rehearse: Rehearse, tmp_path: Path) -> None:
    done = rehearse(tmp_path / "nowhere")
    assert (done.returncode, "not a folder" in done.stderr) == (2, True)


def test_an_empty_folder_of_built_files_is_refused(rehearse: Rehearse, project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "odd_one-1.tar.gz.asc").write_text("", "utf-8")
    done = rehearse(project, "--dist", tmp_path / "empty")
    assert (done.returncode, "no wheel and no source" in done.stderr) == (2, True)
    (tmp_path / "empty" / "odd_one-1.tar.gz").write_text("not a tar", "utf-8")
    done = rehearse(project, "--dist", tmp_path / "empty")
    assert (done.returncode, "no gzip file" in done.stderr) == (2, True)


def test_built_files_and_build_options_exclude_each_other(rehearse: Rehearse, project: Path) -> None:
    done = rehearse(project, "--dist", project, "--version", "1")
    assert (done.returncode, "nothing is built" in done.stderr) == (2, True)


@pytest.mark.parametrize("client", ["uv", "twine", "pdm", "poetry", "hatch", "flit"])
def test_a_client_that_is_not_installed_is_named_with_the_way_to_get_it(
    client: str, rehearse: Rehearse, project: Path, tmp_path: Path
) -> None:
    done = rehearse(project, "--no-isolation", "--client", client, env={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert f"{client} is not installed" in done.stderr
    assert f"pip install {client}" in done.stderr


def test_with_json_a_failure_is_json_too(rehearse: Rehearse, project: Path) -> None:
    remove_workflow(project)
    done = rehearse(project, "--json")
    told: dict[str, Any] = read_json(done.stdout)
    assert (told["ok"], told["exit_code"], told["error"]["kind"]) == (False, 2, "Misuse")
    assert done.returncode == 2


def test_a_client_that_needs_a_project_says_so_of_one_without_pyproject(
    rehearse: Rehearse, built: Path, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    path = f"{program('poetry')}{os.pathsep}{os.environ['PATH']}"
    done = rehearse(bare, "--dist", built, "--provider", "google", "--client", "poetry", env={"PATH": path})
    assert (done.returncode, "poetry publishes from a folder with a pyproject.toml" in done.stderr) == (2, True)
    assert "hatch" in done.stderr
