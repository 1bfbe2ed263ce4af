# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`trustpub init` writes a release once, says what to register, and changes nothing that is not its own."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustpub import declared
from trustpub.cli.init import init as command
from trustpub.cli.show import begin
from trustpub.errors import Misuse
from trustpub.index.bootstrap.opening import open_folder
from trustpub.workflow.doctor import examine
from trustpub.workflow.generate import table
from trustpub.workflow.generate.actions import AS_OF, PINS
from trustpub.workflow.generate.written import BEGIN, END

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

PROJECT = """\
# about us
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "demo"
version = "0.1.0"   # the first
"""
WORKFLOW = ".github/workflows/release.yml"


def git(folder: Path, *words: str, home: Path | None = None) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def lay(folder: Path, text: str = PROJECT, url: str | None = "https://github.com/Acme/Demo.git") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    if url is not None:
        git(folder, "remote", "add", "origin", url)
    (folder / "pyproject.toml").write_text(text)
    return folder


def init(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return typed("init", *words, cwd=folder, env=env)


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def written(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = init(folder, "--yes", "--json", *words)
    assert done.returncode == code, done.stderr + done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


ACCOUNT = ("--service-account", "release@acme-1.iam.gserviceaccount.com")
ACTOR = "00000000-0000-1000-8000-000000000002"
PLATFORMS: Mapping[str, tuple[str, ...]] = {
    "github": (),
    "gitlab": ("--platform", "gitlab"),
    "google": ("--platform", "google", *ACCOUNT, "--id", "sub=111260650121185072906"),
    "activestate": ("--platform", "activestate", "--actor", "ada", "--id", f"actor-id={ACTOR}"),
    "generic": ("--platform", "generic"),
}  # fmt: skip


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_run_writes_everything_and_a_second_changes_nothing(tmp_path: Path, platform: str) -> None:
    lay(tmp_path)
    first = written(tmp_path, *PLATFORMS[platform])
    assert first["wrote"] is True
    assert first["findings"] == []
    before = contents(tmp_path)
    assert {one["path"] for one in first["files"]} | {"pyproject.toml"} == set(before)
    again = written(tmp_path, *PLATFORMS[platform])
    assert (again["wrote"], {one["change"] for one in again["files"]}) == (False, {"unchanged"})
    if platform != "generic":
        recalled = written(tmp_path)
        assert recalled["answers"] == first["answers"]
    updated = init(tmp_path, "--update", "--yes", "--offline", *(() if platform != "generic" else PLATFORMS[platform]))
    assert updated.returncode == 0, updated.stderr
    assert contents(tmp_path) == before


def test_what_is_declared_is_what_the_client_reads_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    lay(tmp_path)
    written(tmp_path)
    text = (tmp_path / "pyproject.toml").read_text()
    assert text.startswith(PROJECT)
    found = declared.find(tmp_path)
    assert (found.default_index, found.tag) == ("pypi", "v{version}")
    fields = {"repository": "Acme/Demo", "workflow": "release.yml"}
    publishers = {name: index.publisher for name, index in found.indexes.items()}
    for name in ("pypi", "testpypi"):
        publisher = publishers[name]
        assert publisher is not None
        assert (publisher.kind, publisher.fields) == ("github", {**fields, "environment": name})


def test_the_registration_has_every_field_of_the_form_and_its_address(tmp_path: Path) -> None:
    lay(tmp_path)
    done = init(tmp_path, "--yes", "--trial", "never")
    assert done.returncode == 0, done.stderr
    for line in (
        "https://pypi.org/manage/account/publishing/ while the project is not there (a pending publisher),",
        "https://pypi.org/manage/project/demo/settings/publishing/ once it is:",
        "PyPI Project Name: demo",
        "Owner: Acme",
        "Repository name: Demo",
        "Workflow name: release.yml",
        "Environment name: pypi",
        "repos/Acme/Demo/environments/pypi",
        "-f type=tag -f name='v*'",
        "trustpub doctor: Nothing found",
        "trustpub rehearse",
    ):
        assert line in done.stdout
    assert "testpypi" not in done.stdout


def test_a_dry_run_and_a_run_that_nobody_can_answer_write_nothing(tmp_path: Path) -> None:
    lay(tmp_path)
    before = contents(tmp_path)
    for option in ("--dry-run", "--diff"):
        shown = init(tmp_path, option)
        assert shown.returncode == 0
        assert "+++ b/.github/workflows/release.yml" in shown.stdout
        assert '+repository = "Acme/Demo"' in shown.stdout
    asked = init(tmp_path)
    assert asked.returncode == 2
    assert "Give --yes to write" in asked.stderr
    only_json = json.loads(init(tmp_path, "--json").stdout)
    assert (only_json["wrote"], only_json["findings"]) == (False, None)
    assert contents(tmp_path) == before


def test_a_file_without_marks_is_left_alone_and_the_new_one_put_beside_it(tmp_path: Path) -> None:
    lay(tmp_path)
    mine = "on: push\njobs:\n  x:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n"
    place = tmp_path / WORKFLOW
    place.parent.mkdir(parents=True)
    place.write_text(mine)
    found = written(tmp_path)
    assert place.read_text() == mine
    assert BEGIN in place.with_name("release.yml.new").read_text()
    assert any(
        "release.yml is yours" in note and "--workflow" in note and "--migrate" in note for note in found["notes"]
    )
    other = written(tmp_path, "--workflow", "ship.yml")
    assert place.read_text() == mine
    assert (tmp_path / ".github/workflows/ship.yml").exists()
    assert {row["value"] for row in other["registration"][-1]["fields"]} >= {"ship.yml"}


def test_a_workflow_of_an_earlier_run_under_another_name_is_pointed_out(tmp_path: Path) -> None:
    lay(tmp_path)
    assert written(tmp_path)["notes"] == []
    notes = written(tmp_path, "--workflow", "ship.yml")["notes"]
    assert any(".github/workflows/release.yml is of an earlier run" in note for note in notes)


def test_requirements_that_somebody_else_wrote_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path)
    place = tmp_path / ".github/release-requirements.txt"
    place.parent.mkdir()
    place.write_text("mine==1\n")
    written(tmp_path)
    assert place.read_text() == "mine==1\n"
    assert place.with_name("release-requirements.txt.new").exists()


def test_only_what_lies_between_the_marks_is_written_anew(tmp_path: Path) -> None:
    lay(tmp_path)
    written(tmp_path)
    place = tmp_path / WORKFLOW
    ours = place.read_text()
    place.write_text("# before: mine\n" + ours.replace("name: Release", "name: Changed") + "# after: mine\n")
    shown = init(tmp_path, "--dry-run")
    assert "-name: Changed" in shown.stdout
    written(tmp_path)
    assert place.read_text() == f"# before: mine\n{ours}# after: mine\n"


def test_answers_are_kept_in_the_file_and_taken_again(tmp_path: Path) -> None:
    lay(tmp_path)
    answers = (
        "--trigger", "dispatch", "--trial", "own", "--tests", "python -m pytest -k 'a and b'", "--python", "3.12,3.13",
        "--no-reviewers", "--no-github-release", "--builder", "uv", "--branch", "trunk",
    )  # fmt: skip
    first = written(tmp_path, *answers)
    assert first["answers"]["pythons"] == ["3.12", "3.13"]
    again = written(tmp_path)
    assert again["answers"] == first["answers"]
    assert again["wrote"] is False
    changed = written(tmp_path, "--trigger", "tag", "--tests", "")
    assert (changed["answers"]["trigger"], changed["answers"]["tests"]) == ("tag", None)
    assert written(tmp_path)["answers"] == changed["answers"]


def test_marks_that_hold_nonsense_are_no_answers(tmp_path: Path) -> None:
    lay(tmp_path)
    place = tmp_path / WORKFLOW
    place.parent.mkdir(parents=True)
    place.write_text(f'{BEGIN}\n# answers: {{"trigger": 7, "tests": ["x"], "compiled": "yes", "root": "/"}}\n{END}\n')
    assert written(tmp_path)["answers"]["trigger"] == "tag"


def test_each_push_to_testpypi_is_warned_of(tmp_path: Path) -> None:
    lay(tmp_path)
    assert "10 GB" in init(tmp_path, "--yes", "--testpypi", "every-push").stderr
    assert "10 GB" not in init(tmp_path, "--yes", "--testpypi", "release").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--repository", "demo"), ["is not OWNER/NAME"]),
        (("--environment", "x\ny", "--branch", "a b", "--tag", "v"), ["environment", "branch", "how tags are made"]),
        (("--index", "https://p.example.com", "--action", "pypa"), ["would not publish to p"]),
        (("--index", "https://p.example.com", "--trial", "release"), ["TestPyPI"]),
        (("--index", "nowhere"), ["no index named nowhere"]),
        (("--workflow", "../x.yml"), ["no name of a workflow file"]),
        (("--update",), ["nothing to update"]),
        (("--register",), ["go together"]),
        (("--id", "7"), ["NAME=ID"]),
        (("--id", "repository-id=seven"), ["The repository id 'seven' is not a number"]),
        (("--platform", "google"), ["service account"]),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    tmp_path: Path, words: tuple[str, ...], said: list[str]
) -> None:
    lay(tmp_path)
    before = contents(tmp_path)
    done = init(tmp_path, "--yes", *words)
    assert done.returncode == 2, done.stdout
    for one in said:
        assert one in done.stderr
    assert contents(tmp_path) == before


def test_without_a_remote_a_repository_has_to_be_said(tmp_path: Path) -> None:
    lay(tmp_path, url=None)
    assert "--platform" in init(tmp_path, "--yes").stderr
    assert "--repository OWNER/NAME" in init(tmp_path, "--yes", "--platform", "github").stderr
    assert init(tmp_path, "--yes", "--platform", "github", "--repository", "Acme/Demo").returncode == 0


def test_a_dispatched_release_must_know_where_the_version_stands(tmp_path: Path) -> None:
    lay(tmp_path, '[project]\nname = "demo"\ndynamic = ["version"]\n')
    done = init(tmp_path, "--yes", "--trigger", "dispatch")
    assert done.returncode == 2
    assert "A dispatched release writes the version" in done.stderr


def test_an_index_of_ones_own_is_named_declared_and_registered_by_a_command(tmp_path: Path) -> None:
    lay(tmp_path)
    found = written(tmp_path, "--index", "https://packages.example.com")
    assert found["answers"]["target"] == {
        "name": "packages", "url": "https://packages.example.com/legacy/", "environment": "release", "audience": None,
    }  # fmt: skip
    (registered,) = found["registration"]
    (line,) = registered["commands"]
    assert line == (
        "trustpub admin publisher add demo --provider github --field repository=Acme/Demo --field workflow=release.yml "
        "--field environment=release --data DIR"
    )
    assert written(tmp_path)["answers"] == found["answers"]


def test_a_publisher_is_registered_with_an_index_of_ours_once(tmp_path: Path) -> None:
    data, project = tmp_path / "index", lay(tmp_path / "project")
    with open_folder(data, create=True, public_url="https://packages.example.com", clock=time.time, env={}):
        pass
    words = ("--index", "https://packages.example.com", "--register", "--data", str(data), "--pin-on-first-use")
    (first,) = written(project, *words)["registered"][:1]
    assert first.startswith("Publisher ")
    assert "Acme/Demo" in first
    assert "registered already" in written(project, *words)["registered"][0]
    with open_folder(data, create=False, clock=time.time, env={}) as folder:
        (publisher,) = folder.publishers.all("demo")
        assert publisher.fields["workflow"] == "release.yml"
    refused = init(project, "--yes", "--index", "pypi", "--register", "--data", str(data))
    assert refused.returncode == 2
    assert "no API" in refused.stderr


def test_a_member_of_a_workspace_declares_in_its_own_file(tmp_path: Path) -> None:
    lay(tmp_path, '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    for name in ("one", "two"):
        folder = tmp_path / "packages" / name
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PROJECT.replace("demo", name))
    found = written(tmp_path / "packages" / "one", "--workflow", "one.yml", "--tag", "one-v{version}")
    assert [one["path"] for one in found["files"]][-1] == "packages/one/pyproject.toml"
    assert declared.find(tmp_path / "packages" / "one").workspace is True
    assert (tmp_path / ".github/workflows/one.yml").exists()
    assert "trustpub" not in (tmp_path / "pyproject.toml").read_text()
    assert "trustpub" not in (tmp_path / "packages/two/pyproject.toml").read_text()


# --- pins


def of_github(folder: Path, versions: Mapping[str, str]) -> dict[str, str]:
    """A home in which git finds actions on this machine in the place of GitHub's: their newest versions."""
    for action, version in versions.items():
        place = folder / "forge" / action
        place.mkdir(parents=True)
        git(place, "init", "-q")
        git(place, "commit", "-q", "--allow-empty", "-m", "x")
        git(place, "tag", "-a", "-m", "x", version)
        git(place, "tag", "v99.0.0-rc1")
    (folder / ".gitconfig").write_text(f'[url "file://{folder}/forge/"]\n\tinsteadOf = https://github.com/\n')
    return {"HOME": str(folder)}


def commit(folder: Path, action: str) -> str:
    found = subprocess.run(
        ["git", "-C", str(folder / "forge" / action), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def test_an_update_pins_to_the_commit_behind_the_newest_tag_and_no_later_run_goes_back(tmp_path: Path) -> None:
    project, home = lay(tmp_path / "project"), tmp_path / "home"
    home.mkdir()
    written(project)
    env = of_github(home, {"actions/checkout": "v55.1.0", "actions/setup-python": "v0.1.0"})
    done = init(project, "--update", "--yes", env=env)
    assert done.returncode == 0, done.stderr
    text = (project / WORKFLOW).read_text()
    assert f"actions/checkout@{commit(home, 'actions/checkout')} # v55.1.0" in text
    # What GitHub has is older than what is known: nothing goes back.
    assert PINS["actions/setup-python"].uses in text
    assert "GitHub could not be asked about actions/upload-artifact" in done.stderr
    assert AS_OF in done.stdout
    assert [one.ident for one in examine(project)[1]] == []
    assert written(project)["wrote"] is False


def test_without_a_network_the_pins_are_those_that_are_known_and_their_day_is_said(tmp_path: Path) -> None:
    lay(tmp_path)
    done = init(tmp_path, "--yes")
    assert f"those of {AS_OF}" in done.stdout


def test_a_network_that_is_not_there_is_said_and_nothing_fails(tmp_path: Path) -> None:
    lay(tmp_path)
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    done = init(tmp_path, "--yes", "--online", "--trial", "never", env=nowhere)
    assert done.returncode == 0, done.stderr
    assert "pypi.org could not be asked whether the project is there" in done.stderr
    assert "GitHub could not be asked about actions/checkout" in done.stderr
    assert "while the project is not there" in done.stdout


# --- a person at a terminal


def at_terminal(folder: Path, answers: list[str], *words: str) -> tuple[int, str]:
    """Run it on a terminal, and type each answer when something is asked."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "trustpub", "init", *words])  # noqa: S606
    shown, quiet, left = "", 0.0, list(answers)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                told = os.read(terminal, 65536)
            except OSError:
                break
            if not told:
                break
            shown, quiet = shown + told.decode(), 0.0
            continue
        quiet += 0.05
        if left and quiet >= 0.1 and shown.rstrip().endswith(":"):
            os.write(terminal, left.pop(0).encode() + b"\n")
            shown, quiet = shown + "\n", 0.0
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_a_person_is_asked_only_what_is_left(tmp_path: Path) -> None:
    lay(tmp_path)
    code, shown = at_terminal(
        tmp_path,
        ["", "live", "tag", "never", "python -m pytest", "n", "n", "y", "n"],
    )
    assert code == 0, shown
    assert "platform: github (git's remote origin is on github.com)" in shown
    text = (tmp_path / WORKFLOW).read_text()
    assert "python -m pytest" in text
    assert "name: live" in text
    assert "gh release create" not in text
    assert written(tmp_path)["wrote"] is False


def test_a_person_may_say_no_at_the_end(tmp_path: Path) -> None:
    lay(tmp_path)
    before = contents(tmp_path)
    words = ("--index", "pypi", "--environment", "pypi", "--trigger", "tag", "--trial", "never", "--tests", "")
    code, shown = at_terminal(tmp_path, ["n"], *words, "--no-reviewers", "--no-github-release")
    assert code == 0, shown
    assert "Nothing was written." in shown
    assert contents(tmp_path) == before


# --- properties


def called(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """In this process, for many examples."""
    runner = CliRunner()
    begin({})
    done = runner.invoke(command, [str(folder), "--yes", "--json", *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    code = done.return_value
    return code if isinstance(code, int) else 0, json.loads(done.stdout)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "--trigger": st.sampled_from(["tag", "release", "dispatch"]),
        "--trial": st.sampled_from(["never", "own", "release", "every-push"]),
        "--tests": st.sampled_from(["", "pytest", "python -m pytest -k 'a: b' # all", "'x' && y", "- a", "{z}"]),
        "--python": st.sampled_from(["3.11", "3.12,3.13"]),
        "--environment": st.sampled_from(["pypi", "on", "1.0", "Live 2", "release/pypi"]),
        "--branch": st.sampled_from(["main", "release/1.x", "3.0"]),
        "--tag": st.sampled_from(["v{version}", "{version}", "demo-{version}", "demo@v{version}"]),
        "--builder": st.sampled_from(["build", "hatch", "poetry", "uv"]),
        "--workflow": st.sampled_from(["release.yml", "ship-it.yaml"]),
        "--changelog": st.just("CHANGELOG.md"),
    },
)
FLAGS = st.lists(
    st.sampled_from(["--compiled", "--pure", "--no-github-release", "--no-reviewers", "--no-attestations"]),
    unique=True, max_size=3,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=OPTIONS, flags=FLAGS)
def test_whatever_is_answered_the_doctor_is_silent_and_a_second_run_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, options: dict[str, str], flags: list[str]
) -> None:
    folder = lay(tmp_path_factory.mktemp("any"))
    (folder / "CHANGELOG.md").write_text("## 0.1.0\n\n- All.\n")
    if "--python" in options and not options.get("--tests"):
        options["--tests"] = "pytest"
    words = [*(word for pair in options.items() for word in pair), *flags]
    code, first = called(folder, *words)
    assert first["findings"] == []
    assert code == 0
    before = contents(folder)
    assert called(folder)[1]["answers"] == first["answers"]
    assert contents(folder) == before


LINES = st.lists(
    st.sampled_from(
        [
            "# a comment", "", "[tool.other]", 'x = "1" # kept', "[tool.trustpub]", 'default-index = "testpypi"',
            "workspace = true", "[tool.trustpub.indexes.pypi.publisher]", 'kind = "github"', 'repository = "a/b"',
            "[tool.trustpub.indexes.own]", 'url = "https://p.example.com/"', "[[tool.more]]", "[dependency-groups]",
        ]
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(lines=LINES)
def test_a_declaration_is_put_beside_whatever_stands_there(lines: list[str]) -> None:
    from trustpub.workflow.generate import declaration
    from trustpub.workflow.generate.answers import Answers, Target

    text = PROJECT + "\n" + "\n".join(lines) + "\n"
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    answers = Answers(
        platform="github", project="demo", owner="Acme", repository="Demo",
        target=Target(name="pypi", environment="pypi"),
    )  # fmt: skip
    try:
        after = declaration.put(text, answers, table.registration(answers))
    except Misuse as error:
        meant = "declares what cannot be meant" in str(error)
        if not meant:
            raise
        return
    assert declaration.put(after, answers, table.registration(answers)) == after
    found = tomllib.loads(after)
    assert found["tool"]["trustpub"]["indexes"]["pypi"]["publisher"]["repository"] == "Acme/Demo"
    for document in (before, found):
        document.get("tool", {}).pop("trustpub", None)
    assert {**before, "tool": before.get("tool", {})} == found
    kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in after.splitlines() if line.lstrip().startswith("#")] == kept
