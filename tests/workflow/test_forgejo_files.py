# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Forgejo's workflow files: where they are, and which of their jobs gets an identity token."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustpub.errors import Misuse, NoIdentity
from trustpub.workflow import forgejo

STEPS = "    steps:\n      - run: uv publish\n"


def write(root: Path, text: str, place: str = ".forgejo/workflows", name: str = "release.yml") -> None:
    (root / place).mkdir(parents=True, exist_ok=True)
    (root / place / name).write_text(text, "utf-8")


def read(root: Path, workflow: str | None = None) -> tuple[str, str, bool]:
    place = forgejo.folder(root)
    assert place is not None
    job = forgejo.publishing_job(root, place, workflow)
    return job.workflow, job.job, job.id_token


@pytest.mark.parametrize(
    ("head", "in_job", "gets_one"),
    [
        ("", "    enable-openid-connect: true\n", True),
        ("enable-openid-connect: true\n", "", True),
        ("enable-openid-connect: true\n", "    enable-openid-connect: false\n", False),
        ("enable-openid-connect: false\n", "    enable-openid-connect: true\n", True),
        ("", "", False),
        ("", "    enable-openid-connect: 'true'\n", False),
        ("permissions:\n  id-token: write\n", "    permissions: {id-token: write}\n", False),
    ],
)
def test_one_key_decides_and_that_of_the_job_goes_first(head: str, in_job: str, gets_one: bool, tmp_path: Path) -> None:
    write(tmp_path, f"{head}on: push\njobs:\n  out:\n    runs-on: docker\n{in_job}{STEPS}")
    if gets_one:
        assert read(tmp_path) == ("release.yml", "out", True)
    else:
        with pytest.raises(NoIdentity, match="enable-openid-connect"):
            read(tmp_path)


def test_forgejos_own_folder_goes_before_giteas_and_githubs_is_none_of_them(tmp_path: Path) -> None:
    text = f"on: push\njobs:\n  out:\n    enable-openid-connect: true\n    runs-on: docker\n{STEPS}"
    write(tmp_path, text, ".github/workflows", "hub.yml")
    assert forgejo.folder(tmp_path) is None
    write(tmp_path, text, ".gitea/workflows", "tea.yml")
    assert read(tmp_path)[0] == "tea.yml"
    write(tmp_path, text, ".forgejo/workflows", "forge.yml")
    assert read(tmp_path)[0] == "forge.yml"


def test_a_called_file_of_the_same_folder_is_followed(tmp_path: Path) -> None:
    caller = "on: push\njobs:\n  call:\n    enable-openid-connect: true\n    uses: ./.forgejo/workflows/inner.yml\n"
    write(tmp_path, caller, name="outer.yml")
    write(tmp_path, f"on: workflow_call\njobs:\n  out:\n    runs-on: docker\n{STEPS}", name="inner.yml")
    assert read(tmp_path) == ("inner.yml", "out", True)
    write(tmp_path, caller.replace(".forgejo", ".github"), name="outer.yml")
    with pytest.raises(NoIdentity):
        read(tmp_path)


def test_a_workflow_that_is_named_and_does_not_publish_is_refused(tmp_path: Path) -> None:
    write(tmp_path, f"on: push\njobs:\n  out:\n    enable-openid-connect: true\n    runs-on: docker\n{STEPS}")
    with pytest.raises(Misuse):
        read(tmp_path, "other.yml")
