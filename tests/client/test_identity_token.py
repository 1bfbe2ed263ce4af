# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`--identity-token FILE|-`: the identity that somebody else fetched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NO_CI = {"GITHUB_ACTIONS": None}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_with_a_token_is_an_identity_anywhere(
    run: Any, index: Any, make: Any, tmp_path: Path, ending: str
) -> None:
    (tmp_path / "identity").write_text(make.jwt("test_index") + ending, "utf-8", newline="")
    ran = run("mint", "--print", "--index", index.url, "--identity-token", "identity", **NO_CI)
    assert (ran.code, ran.out.strip()) == (0, make.TOKEN)
    assert make.jwt("test_index").encode() in index.asked[1].body
    assert make.jwt("test_index") not in ran.err


def test_standard_input_does_as_well(index: Any, make: Any, env: dict[str, str], dist: Path) -> None:
    variables = {name: value for name, value in env.items() if name != "GITHUB_ACTIONS"}
    done = subprocess.run(
        [sys.executable, "-m", "trustpub", "publish", "--index", index.url, "--identity-token", "-"],
        env=variables, cwd=dist.parent, input=make.jwt("test_index") + "\n", capture_output=True, encoding="utf-8",
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "The identity token given vouches for this job" in done.stdout
    assert make.jwt("test_index") not in done.stdout


def test_it_goes_before_the_ci_and_is_masked_there(
    run: Any, index: Any, runner: Any, make: Any, tmp_path: Path
) -> None:
    (tmp_path / "identity").write_text(make.jwt("test_index", given=True), "utf-8")
    ran = run("mint", "--print", "--index", index.url, "--identity-token", "identity")
    assert ran.code == 0
    assert runner.asked == []
    assert f"::add-mask::{make.jwt('test_index', given=True)}" in ran.err


def test_the_index_and_nobody_else_judges_its_audience(run: Any, index: Any, make: Any, tmp_path: Path) -> None:
    index.answer("/_/oidc/mint-token", make.Answer(status=422, body={"message": "the token is for another"}))
    (tmp_path / "identity").write_text(make.jwt("elsewhere"), "utf-8")
    ran = run("mint", "--print", "--index", index.url, "--identity-token", "identity", **NO_CI)
    assert ran.code == 1
    assert "the token is for another" in ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"a secret, but no token", "is not a JSON Web Token"),
        (b"\xff\xfe", "is not a JSON Web Token"),
        (b"e30.e30.e30\ne30.e30.e30\n", "is not a JSON Web Token"),
        (b"e30.W10.e30", "is not a JSON Web Token"),
        (b"e30.e30." + b"e" * 20000, "is not a JSON Web Token"),
    ],
)
def test_anything_else_is_refused_and_not_shown(
    run: Any, index: Any, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "identity").write_bytes(content)
    ran = run("mint", "--print", "--index", index.url, "--identity-token", "identity", **NO_CI)
    assert (ran.code, ran.out, said in ran.err) == (2, "", True)
    assert "secret" not in ran.err
    assert index.asked == []


def test_a_file_that_is_not_there_is_named(run: Any, index: Any, tmp_path: Path) -> None:
    ran = run("publish", "--index", index.url, "--identity-token", "nowhere", "dist/*", **NO_CI)
    assert ran.code == 2
    ran = run("mint", "--print", "--index", index.url, "--identity-token", "nowhere", **NO_CI)
    assert (ran.code, "The file nowhere, which --identity-token names, cannot be read" in ran.err) == (2, True)


def test_without_any_identity_the_option_is_offered(run: Any, index: Any) -> None:
    ran = run("mint", "--print", "--index", index.url, **NO_CI)
    assert (ran.code, "--identity-token" in ran.err) == (3, True)
