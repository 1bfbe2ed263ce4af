# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where a project's repository begins, what it is called, and what of it is copied."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from trustpub.errors import Misuse
from trustpub.rehearsal.environment import masked
from trustpub.rehearsal.jobs import run, tag
from trustpub.rehearsal.project import Repository, copy, find, git, repository
from trustpub.secret import Secret
from trustpub.workflow.read import PublishingJob

ENV = {"PATH": os.environ["PATH"]}


def repo(folder: Path, remote: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    base = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*base, "init", "-q"], check=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "My.Thing"\n', "utf-8")
    subprocess.run([*base, "add", "."], check=True)
    subprocess.run([*base, "commit", "-q", "-m", "x"], check=True)
    if remote is not None:
        subprocess.run([*base, "remote", "add", "origin", remote], check=True)
    return folder


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/Acme/Hello.git", "Acme/Hello"),
        ("https://user:secret@github.com/Acme/Hello", "Acme/Hello"),
        ("git@github.com:Acme/He.llo.git", "Acme/He.llo"),
        ("ssh://git@forge.example:2222/Acme/Hello.git/", "Acme/Hello"),
    ],
)
def test_the_repository_is_that_of_the_remote_in_its_own_case(tmp_path: Path, remote: str, name: str) -> None:
    found = repository(find(repo(tmp_path, remote)), None, ENV)
    assert (found.name, found.assumed) == (name, False)


def test_on_gitlab_the_owner_may_be_groups_within_groups(tmp_path: Path) -> None:
    project = find(repo(tmp_path, "git@gitlab.example:Group/sub.group/Hello.git"))
    assert repository(project, None, ENV, groups=True).name == "Group/sub.group/Hello"
    assert repository(project, None, ENV).name == "sub.group/Hello"
    assert repository(project, "a/b/c", ENV, groups=True).owner_id == Repository(name="a/b/d").owner_id
    for bad in ("c", "/c/d", "c//d", "c/d/"):
        with pytest.raises(Misuse, match="group/project"):
            repository(project, bad, ENV, groups=True)


@pytest.mark.parametrize("remote", [None, "/srv/git/acme/hello.git", "../hello"])
def test_without_a_remote_on_a_server_the_name_is_assumed_and_said_to_be(tmp_path: Path, remote: str | None) -> None:
    assert repository(find(repo(tmp_path, remote)), None, ENV) == Repository(name="example/My.Thing", assumed=True)


def _declaring(folder: Path, *publishers: str) -> Path:
    for name, publisher in zip(("pypi", "testpypi"), publishers, strict=False):
        with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(f"[tool.trustpub.indexes.{name}.publisher]\n{publisher}")
    return folder


def test_without_a_remote_the_declared_publishers_name_the_repository(tmp_path: Path) -> None:
    github = 'kind = "github"\nrepository = "Acme/Hello"\nworkflow = "release.yml"\n'
    gitlab = 'kind = "gitlab"\nnamespace = "Group/sub"\nproject = "hello"\nworkflow-filepath = ".gitlab-ci.yml"\n'
    declared = find(_declaring(repo(tmp_path / "one"), github, github))
    assert repository(declared, None, ENV) == Repository(name="Acme/Hello")
    with_remote = find(_declaring(repo(tmp_path / "two", "https://github.com/acme/fork"), github))
    assert repository(with_remote, None, ENV) == Repository(name="acme/fork")
    deeper = find(_declaring(repo(tmp_path / "three"), gitlab))
    assert repository(deeper, None, ENV, groups=True) == Repository(name="Group/sub/hello")
    at_odds = find(_declaring(repo(tmp_path / "four"), github, github.replace("Hello", "Other")))
    assert repository(at_odds, None, ENV).assumed


def test_the_name_given_wins_and_must_be_one(tmp_path: Path) -> None:
    project = find(repo(tmp_path, "https://github.com/a/b"))
    assert repository(project, "c/d", ENV).name == "c/d"
    for bad in ("c", "c/d/e", "https://github.com/c/d", "c/d\n"):
        with pytest.raises(Misuse, match="owner/name"):
            repository(project, bad, ENV)


def test_made_up_ids_are_the_same_each_time_and_follow_the_names() -> None:
    one, other = Repository(name="Acme/Hello"), Repository(name="acme/other")
    assert one.owner_id == other.owner_id == Repository(name="acme/x").owner_id
    assert one.id != other.id
    assert one.id.isdecimal()


def test_a_project_inside_a_repository_is_copied_with_all_of_it(tmp_path: Path) -> None:
    top = repo(tmp_path / "top")
    inner = top / "packages" / "one"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text("", "utf-8")
    project = find(inner)
    assert project.root == top
    copied = copy(project, tmp_path / "copy", ENV)
    assert copied == tmp_path / "copy" / "packages" / "one"
    assert git(copied, ENV, "rev-parse", "HEAD") == git(top, ENV, "rev-parse", "HEAD")


def test_a_folder_with_workflows_of_its_own_is_a_repository(tmp_path: Path) -> None:
    inner = repo(tmp_path / "top", "https://github.com/a/b") / "inner"
    (inner / ".github" / "workflows").mkdir(parents=True)
    (inner / "pyproject.toml").write_text("", "utf-8")
    assert find(inner).root == inner
    assert repository(find(inner), None, ENV).assumed
    other = tmp_path / "top" / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("", "utf-8")
    assert find(other).root == tmp_path / "top"
    (other / ".gitlab-ci.yml").write_text("", "utf-8")
    assert find(other).root == other


def test_no_environment_cache_or_built_file_is_copied(tmp_path: Path) -> None:
    top = repo(tmp_path / "top")
    for name in ("dist/x.whl", "env/pyvenv.cfg", "src/node_modules/y", "src/__pycache__/z.pyc", "src/dist/kept.py"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("", "utf-8")
    os.mkfifo(top / "pipe")
    (top / "nowhere").symlink_to("/does/not/exist")
    copied = copy(find(top), tmp_path / "copy", ENV)
    here = {str(path.relative_to(copied)) for path in copied.rglob("*") if ".git/" not in f"{path}/"}
    assert here == {"pyproject.toml", "src", "src/dist", "src/dist/kept.py", "nowhere"}


def test_a_worktrees_copy_has_a_history_of_its_own(tmp_path: Path) -> None:
    top = repo(tmp_path / "top")
    subprocess.run(["git", "-C", str(top), "worktree", "add", "-q", str(tmp_path / "tree")], check=True)
    copied = copy(find(tmp_path / "tree"), tmp_path / "copy", ENV)
    assert (copied / ".git").is_dir()
    assert git(copied, ENV, "rev-parse", "HEAD") == git(top, ENV, "rev-parse", "HEAD")
    assert git(copied, ENV, "status", "--porcelain") == ""


@pytest.mark.parametrize("text", ["[project", "\udcff"])
def test_settings_that_are_not_toml_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Misuse, match="not TOML"):
        find(tmp_path)


def job(*events: str, tags: tuple[str, ...] = (), branches: tuple[str, ...] = ()) -> PublishingJob:
    return PublishingJob(
        workflow="release.yml", job="out", environment=None, tools=("uv publish",), events=events, tags=tags,
        branches=branches, id_token=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "event", "ref"),
    [
        (job("push", tags=("v*",)), "push", "refs/tags/v1.0"),
        (job("push", tags=("!x", "release-[0-9]+")), "push", "refs/tags/release-1.0"),
        (job("push", tags=("*",)), "push", "refs/tags/1.0"),
        (job("push", branches=("r/*", "stable")), "push", "refs/heads/stable"),
        (job("workflow_dispatch", "release"), "release", "refs/tags/v1.0"),
        (job("workflow_dispatch"), "workflow_dispatch", "refs/heads/main"),
        (job("pull_request_target"), "pull_request_target", "refs/heads/main"),
    ],
)
def test_the_run_begins_as_the_workflow_would(found: PublishingJob, event: str, ref: str) -> None:
    made = run(found, Repository(name="a/b"), version="1.0", sha="0" * 40)
    assert (made.event, made.ref) == (event, ref)
    assert tag(job(), "1.0") == "v1.0"


def test_a_log_shows_masked_texts_as_stars() -> None:
    said = "before abc\n::add-mask::abc\nafter abcd, and other\n::add-mask::abcd\n"
    assert masked(said, Secret("other")) == "before ***\nafter ***, and ***"
