# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The commands in what init writes do what they are written for."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path, PurePosixPath

import pytest
import yaml

from trustpub.rehearsal.emulated.google import Account
from trustpub.rehearsal.issuers import GitHubIssuer, GoogleIssuer, Run
from trustpub.workflow.generate import table
from trustpub.workflow.generate.answers import Answers

from .jobs import Machine, step
from .shapes import ACCOUNT, OWN, answers, committed, git, write

TRIAL = "Publish to an index of this job's own, and install from it"
RELEASE = "Make the release"
CHECK = "Check names, metadata, and that the tag is the version"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(place=tmp_path / "machine")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``dist/`` in it, for every job that takes over what others built."""
    folder = tmp_path_factory.mktemp("built")
    write(folder, answers())
    build = [sys.executable, "-m", "build", "--no-isolation", str(folder)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def downloaded(built: Path, tmp_path: Path) -> Path:
    """The workspace of a job that took them over."""
    workspace = tmp_path / "workspace"
    (workspace / "dist").mkdir(parents=True)
    for file in (built / "dist").iterdir():
        (workspace / "dist" / file.name).write_bytes(file.read_bytes())
    return workspace


def _cloned(tmp_path: Path, made: Answers) -> Path:
    """A clone of a bare repository that has one commit."""
    folder, bare = tmp_path / "clone", tmp_path / "origin.git"
    write(folder, made)
    committed(folder)
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    git(folder, "remote", "set-url", "origin", str(bare))
    git(folder, "push", "--quiet", "origin", "main")
    return folder


def _try(machine: Machine, downloaded: Path, workflow: str, *, code: int) -> str:
    """The trial, as a job of ``workflow``."""
    script = step(answers(trial="own"), "trial", TRIAL)["run"]
    run = Run(repository="acme/demo", repository_id="501", owner_id="77", workflow=workflow, ref="refs/tags/v1.0")
    with GitHubIssuer(clock=time.time) as issuer:
        issuer.serve(run)
        return machine.run(
            script, downloaded, code=code, GITHUB_ACTIONS="true", ACTIONS_ID_TOKEN_REQUEST_URL=issuer.request_url,
            ACTIONS_ID_TOKEN_REQUEST_TOKEN=issuer.request_token.reveal(), ISSUER=issuer.url, KIND="github",
            GITHUB_REPOSITORY_ID="501", GITHUB_REPOSITORY_OWNER_ID="77",
        )  # fmt: skip


def test_a_job_of_github_publishes_to_an_index_of_its_own_as_itself(machine: Machine, downloaded: Path) -> None:
    said = _try(machine, downloaded, "release.yml", code=0)
    assert "Successfully installed demo-1.0" in said
    assert (machine.place / "installed" / "demo" / "__init__.py").read_text() == 'SAID = "hello"\n'


def test_a_job_of_another_workflow_does_not(machine: Machine, downloaded: Path) -> None:
    said = _try(machine, downloaded, "other.yml", code=1)
    assert "workflow" in said
    assert not (machine.place / "installed").exists()


def test_a_step_of_google_publishes_to_an_index_of_its_own_as_its_account(machine: Machine, downloaded: Path) -> None:
    build = yaml.safe_load(table.files(answers("google", trial="own"))[0].text)
    script = next(one["script"] for one in build["steps"] if one["id"] == "trial")
    with GoogleIssuer(clock=time.time) as issuer:
        issuer.serve(Account(email=ACCOUNT, sub="111260650121185072906"))
        said = machine.run(
            script, downloaded, under=("bash",), GCE_METADATA_HOST=issuer.metadata_host, ISSUER=issuer.url,
            KIND="google", BUILDER_OUTPUT="/builder/outputs",
        )  # fmt: skip
    assert "Successfully installed demo-1.0" in said


def test_where_the_index_does_not_start_the_job_ends(machine: Machine, downloaded: Path) -> None:
    script = step(answers(trial="own"), "trial", TRIAL)["run"].replace("--ephemeral", "--emphemeral")
    machine.run(script, downloaded, code=1)


@pytest.mark.parametrize("folder", [".", "packages/demo"])
def test_who_asks_for_a_release_gets_its_commit_its_tag_and_files_of_just_that_commit(
    machine: Machine, tmp_path: Path, folder: str
) -> None:
    tag = "v{version}" if folder == "." else "demo-v{version}"
    made = answers(trigger="dispatch", folder=PurePosixPath(folder), tag=tag)
    clone = _cloned(tmp_path, made)
    before = git(clone, "rev-parse", "HEAD")
    wanted = step(made, "prepare", RELEASE)
    machine.run(
        wanted["run"], clone / wanted.get("working-directory", "."), RELEASE_VERSION="1.1", GITHUB_REF="refs/heads/main"
    )
    told, name = machine.told("GITHUB_OUTPUT"), tag.replace("{version}", "1.1")
    assert told["tag"] == f"refs/tags/{name}"
    assert told["commit"] == git(tmp_path, "-C", "origin.git", "rev-parse", f"{name}^{{commit}}", "main").split()[0]
    assert git(tmp_path, "-C", "origin.git", "rev-parse", "main", "main^").split() == [told["commit"], before]
    assert git(clone, "show", "--stat", "--format=%s", "HEAD").splitlines()[0] == f"Release {name}"
    assert machine.calls == "auth setup-git\n"

    other = tmp_path / "runner"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), str(other))
    git(other, "checkout", "--quiet", told["commit"])
    build, check = step(made, "build", "Build"), step(made, "build", CHECK)
    place = other / build.get("working-directory", ".")
    machine.run(build["run"], place)
    assert sorted(path.name for path in (place / "dist").iterdir()) == ["demo-1.1-py3-none-any.whl", "demo-1.1.tar.gz"]
    # The run itself is of the branch: only what the first job said can be compared with the version.
    machine.run(check["run"], place, RELEASE_TAG=told["tag"], GITHUB_REF="refs/heads/main")
    said = machine.run(check["run"], place, code=1, RELEASE_TAG="refs/tags/v1.2", GITHUB_REF="refs/heads/main")
    assert "does not match the version 1.1" in said


def test_a_version_that_stands_there_already_is_tagged_as_it_is(machine: Machine, tmp_path: Path) -> None:
    made = answers(trigger="dispatch")
    clone = _cloned(tmp_path, made)
    before = git(clone, "rev-parse", "HEAD")
    machine.run(step(made, "prepare", RELEASE)["run"], clone, RELEASE_VERSION="1.0", GITHUB_REF="refs/heads/main")
    assert machine.told("GITHUB_OUTPUT") == {"commit": before, "tag": "refs/tags/v1.0"}


def test_of_a_version_that_git_makes_only_the_tag_is_pushed(machine: Machine, tmp_path: Path) -> None:
    made = answers(trigger="dispatch", dynamic_version=True)
    clone = _cloned(tmp_path, made)
    before = git(clone, "rev-parse", "HEAD")
    machine.run(step(made, "prepare", RELEASE)["run"], clone, RELEASE_VERSION="2.0", GITHUB_REF="refs/heads/main")
    assert machine.told("GITHUB_OUTPUT") == {"commit": before, "tag": "refs/tags/v2.0"}
    assert git(tmp_path, "-C", "origin.git", "rev-parse", "main", "v2.0^{commit}").split() == [before, before]


@pytest.mark.parametrize(
    ("version", "said"),
    [("1.0.x", "is not a version"), ("0.9", "is not newer"), ("1.1; touch gone", "is not a version"), ("", "is not")],
)  # fmt: skip
def test_a_version_that_cannot_be_released_leaves_everything_as_it_was(
    machine: Machine, tmp_path: Path, version: str, said: str
) -> None:
    made = answers(trigger="dispatch")
    clone = _cloned(tmp_path, made)
    script = step(made, "prepare", RELEASE)["run"]
    code = 1 if "newer" in said else 2
    assert said in machine.run(script, clone, code=code, RELEASE_VERSION=version, GITHUB_REF="refs/heads/main")
    assert git(clone, "status", "--porcelain") == git(clone, "tag") == ""
    assert git(tmp_path, "-C", "origin.git", "tag") == ""


def test_where_somebody_pushed_meanwhile_neither_commit_nor_tag_gets_there(machine: Machine, tmp_path: Path) -> None:
    made = answers(trigger="dispatch")
    clone = _cloned(tmp_path, made)
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "somebody")
    git(tmp_path / "somebody", "commit", "--quiet", "--allow-empty", "--message", "Meanwhile")
    git(tmp_path / "somebody", "push", "--quiet", "origin", "main")
    script = step(made, "prepare", RELEASE)["run"]
    machine.run(script, clone, code=1, RELEASE_VERSION="1.1", GITHUB_REF="refs/heads/main")
    assert git(tmp_path, "-C", "origin.git", "tag") == ""
    assert git(tmp_path, "-C", "origin.git", "log", "-1", "--format=%s") == "Meanwhile"


def test_every_push_is_built_as_a_version_of_its_own_and_a_tag_is_not(machine: Machine, tmp_path: Path) -> None:
    made = answers(trial="every-push")
    clone = _cloned(tmp_path, made)
    script = step(made, "build", "Give this push a version of its own, unless it is a release")["run"]
    machine.run(script, clone, GITHUB_RUN_NUMBER="41", GITHUB_REF="refs/tags/v1.0")
    assert git(clone, "status", "--porcelain") == ""
    machine.run(script, clone, GITHUB_RUN_NUMBER="42", GITHUB_REF="refs/heads/main")
    assert 'version = "1.0.1.dev42"' in (clone / "pyproject.toml").read_text(encoding="utf-8")
    machine.run(step(made, "build", "Build")["run"], clone)
    machine.run(step(made, "build", CHECK)["run"], clone, GITHUB_REF="refs/heads/main")
    assert (clone / "dist" / "demo-1.0.1.dev42.tar.gz").exists()


def test_a_job_of_gitlab_builds_every_push_as_a_version_of_its_own(machine: Machine, tmp_path: Path) -> None:
    made = answers("gitlab", trial="every-push", dynamic_version=True)
    clone = _cloned(tmp_path, made)
    script = "\n".join(yaml.safe_load(table.files(made)[0].text)["build"]["script"])
    # The backend that makes versions from git is not here; what it would be told is.
    script = script.replace("python -m build", 'echo "told $SETUPTOOLS_SCM_PRETEND_VERSION"').replace(
        "python -m trustpub check", "true"
    )
    said = machine.run(
        script, clone, under=("bash", "-eo", "pipefail"), CI_PIPELINE_IID="7", CI_COMMIT_BRANCH="main", GITHUB_ENV=""
    )
    assert "told 0.0.1.dev7" in said
    assert git(clone, "status", "--porcelain") == ""


def test_the_jobs_of_gitlab_build_and_check_for_a_tag_and_install_without_their_tokens(
    machine: Machine, tmp_path: Path
) -> None:
    made = answers("gitlab", folder=PurePosixPath("packages/demo"), tag="demo-v{version}")
    clone = _cloned(tmp_path, made)
    jobs = yaml.safe_load(table.files(made)[0].text)
    build = "\n".join(jobs["build"]["script"])
    machine.run(build, clone, under=("bash", "-eo", "pipefail"), CI_COMMIT_TAG="demo-v1.0")
    assert (clone / jobs["build"]["artifacts"]["paths"][0] / "demo-1.0.tar.gz").exists()
    said = machine.run(build, clone, under=("bash", "-eo", "pipefail"), code=1, CI_COMMIT_TAG="demo-v2.0")
    assert "The tag demo-v2.0 does not match the version 1.0" in said
    publish = "\n".join(jobs["publish-pypi"]["script"])
    seen = 'python() { echo "${*: -1} sees [${PYPI_ID_TOKEN-}]"; }\n'
    said = machine.run(seen + publish, clone, under=("bash", "-eo", "pipefail"), PYPI_ID_TOKEN="e.y.J")
    assert "trustpub[attest]" in said.splitlines()[0]
    assert said.splitlines()[0].endswith("sees []")
    assert said.splitlines()[1].endswith("sees [e.y.J]")


def test_the_steps_of_google_build_for_a_tag_and_for_nothing_else(machine: Machine, tmp_path: Path) -> None:
    clone = _cloned(tmp_path, answers("google"))
    build = yaml.safe_load(table.files(answers("google"))[0].text)
    script = next(one["script"] for one in build["steps"] if one["id"] == "build")
    machine.run(script, clone, under=("bash",), TAG_NAME="v1.0")
    assert "does not match the version 1.0" in machine.run(script, clone, under=("bash",), code=1, TAG_NAME="v1.1")
    assert "was not started for a tag" in machine.run(script, clone, under=("bash",), code=1, TAG_NAME="")


@pytest.mark.parametrize("folder", [".", "packages/demo"])
def test_the_notes_of_a_release_are_the_section_of_the_changelog(machine: Machine, tmp_path: Path, folder: str) -> None:
    tag = "v{version}" if folder == "." else "demo-v{version}"
    made = answers(changelog="CHANGELOG.md", folder=PurePosixPath(folder), tag=tag)
    clone = _cloned(tmp_path, made)
    notes = step(made, "github-release", "Take the notes from the changelog")
    ref = f"refs/tags/{tag.replace('{version}', '1.1')}"
    place = clone / notes.get("working-directory", ".")
    machine.run(notes["run"], place, RELEASE_TAG=ref, GITHUB_WORKSPACE=str(clone))
    assert (clone / "notes.md").read_text(encoding="utf-8").strip() == "* Says hello."
    (clone / "dist").mkdir(exist_ok=True)
    (clone / "dist" / "demo-1.1.tar.gz").touch()
    release = step(made, "github-release", "Make the release with its files")["run"]
    machine.run(release, clone, RELEASE_TAG=ref, GITHUB_REPOSITORY="acme/demo")
    assert machine.calls.startswith(
        f"release create {ref.removeprefix('refs/tags/')} dist/demo-1.1.tar.gz --repo acme/demo"
    )
    machine.run(notes["run"], place, code=1, RELEASE_TAG=ref.replace("1.1", "1.2"), GITHUB_WORKSPACE=str(clone))


def test_the_script_for_other_cis_builds_for_a_tag_and_publishes_as_whoever_it_is(
    machine: Machine, tmp_path: Path
) -> None:
    made = answers("generic", tests="echo tested")
    clone = _cloned(tmp_path, made)
    script = (clone / "ci" / "release.sh").read_text(encoding="utf-8").replace('"$(dirname "$0")/.."', ".")
    assert "is the tag that is released" in machine.run(script, clone, under=("bash", "-c", '. "$0" build'), code=1)
    machine.run(script, clone, under=("bash", "-c", '. "$0" build'), RELEASE_TAG="v1.0")
    assert (clone / "dist" / "demo-1.0.tar.gz").exists()
    assert machine.run(script, clone, under=("bash", "-c", '. "$0" test')).strip() == "tested"
    said = machine.run(script, clone, under=("bash", "-c", '. "$0" publish'), code=3)
    assert "--identity-token" in said
    said = machine.run(script, clone, under=("bash", "-c", '. "$0" publish'), code=2, IDENTITY_TOKEN_FILE="none here")
    assert "none here, which --identity-token names, cannot be read" in said
    assert "build, try or publish" in machine.run(script, clone, code=2)


def test_a_person_publishes_from_activestate_with_the_script(machine: Machine, tmp_path: Path) -> None:
    made = answers("activestate", trial="never", target=OWN)
    clone = _cloned(tmp_path, made)
    script = clone / "activestate" / "release.sh"

    def run(*words: str, code: int = 0) -> str:
        quoted = " ".join(words)
        return machine.run(f"bash {script} {quoted}", clone, code=code)

    run("source")
    assert machine.calls.startswith("publish --namespace private/acme --name demo dist/demo-1.0.tar.gz")
    run("publish", "1.0", "2026-11-21T19:26:00Z")
    assert machine.calls.splitlines()[-2:] == ["commit", "eval publish_receipt"]
    written = (clone / "buildscript.as").read_text(encoding="utf-8")
    assert 'audience = "packages_example_com",\n    pypi_uri = "packages.example.com"' in written
    assert "Say the version" in run("publish", code=2)
    assert "source or publish" in run(code=2)


def test_the_built_wheel_has_the_files_that_activestate_needs(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(root)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert "Successfully built" in done.stdout
    wheel = next(tmp_path.glob("*.whl"))
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True
    )
    for name in ("buildscript.as", "publish.sh"):
        assert f"trustpub/workflow/generate/wrappers/{name}" in listed.stdout
