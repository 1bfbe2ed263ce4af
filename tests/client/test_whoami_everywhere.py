# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub whoami`` in a played job of every CI, against a real index: what it says to register is what mints."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from trustpub.ci.detection import KNOWN
from trustpub.cli.admin.commands import admin
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.placed import placed
from trustpub.rehearsal.plays.play import Play, Wishes
from trustpub.rehearsal.plays.table import PLAYABLE
from trustpub.rehearsal.processes import Children
from trustpub.rehearsal.project import find
from trustpub.secret import Secret

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a CI's programs are scripts of POSIX")

WORKFLOW = """\
on: {push: {tags: ["v*"]}}
jobs:
  publish:
    runs-on: ubuntu-latest
    environment: release
    permissions: {id-token: write}
    steps: [{run: trustpub publish}]
"""
GITLAB = """\
publish:
  environment: release
  rules: [{if: $CI_COMMIT_TAG}]
  id_tokens: {INDEX_ID_TOKEN: {aud: index}}
  script: [trustpub publish]
"""
FILES = {
    "pyproject.toml": '[project]\nname = "demo"\nversion = "1.0"\n',
    ".github/workflows/release.yml": WORKFLOW,
    ".forgejo/workflows/release.yml": WORKFLOW.replace("permissions: {id-token: write}", "enable-openid-connect: true"),
    ".gitlab-ci.yml": GITLAB,
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThrowawayIndex]:
    """A real index, in a program of its own."""
    folder = Folder(path=tmp_path_factory.mktemp("index"))
    folder.make()
    with Children() as children:
        yield indexes.await_ready(indexes.start(children, folder, os.environ), folder)


class Job:
    """A job of some CI, in the folder of a project."""

    def __init__(self, env: Mapping[str, str], folder: Path, up: ThrowawayIndex, play: Play) -> None:
        self.env = {**env, "SSL_CERT_FILE": str(up.ca), "HOME": str(folder), "PYTHONWARNINGS": "error"}
        self.folder = folder
        self.up = up
        self.play = play

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``trustpub`` with these arguments."""
        argv = [sys.executable, "-m", "trustpub", *arguments]
        return subprocess.run(
            argv, env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )


def test_every_ci_that_is_recognised_can_be_played() -> None:
    assert {one.module for one in KNOWN} <= set(PLAYABLE)


def began(kind: str, folder: Path, made: list[Secret]) -> Play:
    """A job of the CI that releases the project in ``folder``."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    wishes = {"repository": "octo-org/demo", "service_account": None}
    if kind == "google":
        wishes = {"service_account": "ci@proj.iam.gserviceaccount.com"}
    if kind == "kubernetes":
        wishes = {"service_account": "release/publisher"}
    project = find(folder, must_build=False)
    script = PLAYABLE[kind].script(project, Wishes(**wishes), {})
    return script.begin("1.0", "0" * 40, clock=time.time, watch=made.append)


@pytest.fixture(params=[kind for kind in PLAYABLE if kind in {one.module for one in KNOWN}])
def job(request: pytest.FixtureRequest, tmp_path: Path, up: ThrowawayIndex) -> Iterator[Job]:
    """A job of each CI."""
    folder = tmp_path / "demo"
    folder.mkdir()
    made: list[Secret] = []
    play = began(request.param, folder, made)
    before = {"PATH": os.environ["PATH"], "NO_GCE_CHECK": "true", **play.variables(up.audience)}
    try:
        with placed(tmp_path / "job", play.programs, play.files(up.audience), before) as env:
            found = Job(env, folder, up, play)
            yield found
    finally:
        play.issuer.close()
    # Nothing that was said, nor a file that was left, has a token in it.
    for path in folder.rglob("*"):
        if path.is_file():
            assert not any(token.reveal() in path.read_text("utf-8", "replace") for token in made), path


def declare(job: Job, kind: str, fields: Mapping[str, str]) -> None:
    """Let the project declare a publisher."""
    typed = "".join(f"{json.dumps(name.replace('_', '-'))} = {json.dumps(value)}\n" for name, value in fields.items())
    table = (
        f'{FILES["pyproject.toml"]}\n[tool.trustpub]\ndefault-index = "packages"\n'
        f'[tool.trustpub.indexes.packages]\nurl = "{job.up.url}"\n'
        f'[tool.trustpub.indexes.packages.publisher]\nkind = "{kind}"\nissuer = "{job.play.issuer.url}"\n{typed}'
    )
    (job.folder / "pyproject.toml").write_text(table)


def test_what_whoami_says_to_register_is_what_a_real_index_trusts(job: Job) -> None:
    shared = job.play.shared_audience
    accepted = [] if shared is None else ["--accept-shared-audience", shared]

    ran = job.run("whoami", "--index", job.up.url, "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["audience"] == job.up.audience
    assert told["issuer"] == job.play.issuer.url
    assert bool(told["notes"]) == (shared is not None)
    registered = told["register"]
    fields = dict(registered["fields"])
    if registered["missing"]:  # a person must choose a claim
        name, value = next((name, value) for name, value in registered["choices"].items() if "workflow_ref" in name)
        fields[name] = value

    *before, last = registered["commands"]
    chosen = [
        option
        for name in fields.keys() - registered["fields"].keys()
        for option in ("--field", f"{name}={fields[name]}")
    ]
    for command in (shlex.split(one) for one in (*before, last)):
        assert command[:2] == ["trustpub", "admin"]
        argv = [str(job.up.data) if one == "DIR" else one for one in command[2:]]
        if "publisher" in argv:
            argv[argv.index("demo")] = f"of-{told['kind']}"
            argv += ["--pending", *chosen]
        admin.main(argv, standalone_mode=False)

    ran = job.run("mint", "--print", "--index", job.up.url, *accepted)
    assert ran.returncode == 0, ran.stderr

    declare(job, told["kind"], fields)
    ran = job.run("whoami")
    assert (ran.returncode, ran.stdout.splitlines()[-1].partition(" declares ")[2]) == (0, "for packages."), ran.stderr
    shown = [
        line
        for line in (ran.stdout + ran.stderr).splitlines()
        if not line.startswith(("::add-mask::", "##vso[task.setsecret]"))
    ]
    assert not any(token.reveal() in line for token in job.play.issuer.given for line in shown)
