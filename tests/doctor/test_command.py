# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub doctor`` as it is typed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name
from .snippets import DECLARED, GOOD, PYPROJECT, STEP, WORKFLOW, Case, write

ROOT = Path(__file__).parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "pypi",
    "sub": "repo:acme/demo:environment:pypi",
    "repository": "acme/demo",
    "repository_owner": "acme",
    "repository_owner_id": "65",
    "repository_id": "66",
    "workflow_ref": "acme/demo/.github/workflows/release.yml@refs/tags/v1",
    "job_workflow_ref": "acme/demo/.github/workflows/release.yml@refs/tags/v1",
    "environment": "pypi",
    "ref": "refs/tags/v1",
    "sha": "0" * 40,
    "event_name": "push",
    "exp": 4_000_000_000,
    "iat": 1,
    "jti": "x",
}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        (name, found), *others = json.loads(self.out).items()
        assert (name, others) == ("findings", [])
        return list(found)


def run(*arguments: object, given: str = "", cwd: Path | None = None, **env: str) -> Ran:
    done = typed("doctor", *arguments, given=given, cwd=cwd, env=env)
    return Ran(done.returncode, done.stdout, done.stderr)


def project(root: Path, *changes: tuple[str, str], pyproject: str = PYPROJECT) -> Path:
    return write(root, Case(rule="", what="", finds=True, changes=changes, pyproject=pyproject))


def test_a_finding_says_where_what_why_and_what_to_do() -> None:
    ran = run(FIXTURES / "01-no-id-token")
    assert ran.code == 1
    first, why, seen, fix, page, _, summary = ran.out.splitlines()
    assert first == ".github/workflows/release.yml:22:3  error TP201  job 'publish' will get no identity token"
    assert "replaces the workflow's" in why
    assert "ACTIONS_ID_TOKEN_REQUEST_TOKEN environment variable was unset" in seen
    assert fix == "   fix: add `id-token: write` under jobs.publish.permissions  (trustpub doctor --fix)"
    assert page.endswith("/docs/reference/rules/TP201.md")
    assert summary == "1 error in 1 file."


@pytest.mark.parametrize(("name", "code"), [("00-good", 0), ("22-no-environment", 0), ("02-id-token-typo-none", 1)])
def test_only_errors_end_with_one(name: str, code: int) -> None:
    assert run(FIXTURES / name).code == code


def test_the_json_is_what_programs_were_promised() -> None:
    ran = run(FIXTURES / "29-uv-auto", "--format", "json")
    assert ran.code == 1
    assert {tuple(one) for one in ran.findings} == {("ident", "severity", "path", "line", "column", "message", "fix")}
    assert [(one["ident"], one["severity"], one["line"]) for one in ran.findings] == [
        ("TP201", "error", 22), ("TP206", "warning", 38),
    ]  # fmt: skip
    assert run(FIXTURES / "00-good", "--format", "json").findings == []


def test_the_sarif_names_rules_levels_and_places() -> None:
    (done,) = json.loads(run(FIXTURES / "29-uv-auto", "--format", "sarif").out)["runs"]
    assert [rule["id"] for rule in done["tool"]["driver"]["rules"]] == ["TP201", "TP206"]
    assert [one["level"] for one in done["results"]] == ["error", "warning"]
    (place,) = done["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == WORKFLOW
    assert place["physicalLocation"]["region"] == {"startLine": 22, "startColumn": 3}


def test_annotations_are_commands_to_the_runner_and_nothing_from_a_file_is(tmp_path: Path) -> None:
    evil = "    environment: {name: pypi, url: 'https://pypi.org/p/x%0A::error::y,z=1'}\n"
    ran = run(project(tmp_path, ("    environment: pypi\n", evil)), "--format", "github")
    (line,) = ran.out.splitlines()
    assert line.startswith("::warning file=.github/workflows/release.yml,line=27,col=")
    assert line.count("::") == 2
    assert "%250A" in line


def test_the_project_is_found_from_one_of_its_files_or_folders(tmp_path: Path) -> None:
    root = project(tmp_path, ("id-token: write", "id-token: none"))
    (root / ".github" / "workflows" / "x.yml").write_text("on: push\non: push\n", "utf-8")
    assert {one["path"] for one in run(root / WORKFLOW, "--format", "json").findings} == {WORKFLOW}
    assert len(run(root / ".github", "--format", "json").findings) == 2
    assert len(run("--format", "json", cwd=root).findings) == 2
    (root / ".git").mkdir()
    (root / "docs").mkdir()
    assert len([one for one in run("docs", "--format", "json", cwd=root).findings if one["severity"] == "error"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "There is no 'nowhere'"),
        ([], "There is no workflow"),
        (["--format", "xml"], "xml"),
        (["--github-token", "X"], "--online"),
    ],
)
def test_what_cannot_be_done_ends_with_two(tmp_path: Path, arguments: list[str], said: str) -> None:
    ran = run(*arguments, cwd=tmp_path)
    assert ran.code == 2
    assert said in ran.err


def test_fix_says_what_it_does_and_leaves_the_rest_to_be_read(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        ("id-token: write", "id-token: none"),
        ("    timeout-minutes: 10\n", ""),
        (STEP, STEP + "      - uses: actions/checkout@v7\n"),
    )
    ran = run(root, "--fix")
    assert ran.code == 0
    told = [line for line in ran.out.splitlines() if line.startswith("✓")]
    assert {line.split()[2] for line in told} == {"TP201", "TP313"}
    assert "TP312" in ran.out
    assert "id-token: write # mint the OIDC token" in (root / WORKFLOW).read_text("utf-8")
    again = run(root, "--fix", "--format", "json")
    assert "✓" not in again.err
    assert {one["ident"] for one in again.findings} == {"TP304", "TP312"}


def token(claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in ({"alg": "x"}, claims)]
    return ".".join([*parts, "c2ln"])


@pytest.mark.parametrize(
    ("change", "ident"),
    [
        ({}, None),
        ({"job_workflow_ref": "acme/demo/.github/workflows/publish.yml@refs/tags/v1"}, "TP101"),
        (
            {"repository": "acme/old", "job_workflow_ref": "acme/old/.github/workflows/release.yml@refs/tags/v1"},
            "TP102",
        ),
        ({"environment": "release"}, "TP103"),
        ({"environment": None}, "TP103"),
        ({"iss": "https://gitlab.com"}, "TP209"),
    ],
)
def test_the_claims_of_a_job_are_compared_with_what_is_declared(
    tmp_path: Path, change: dict[str, Any], ident: str | None
) -> None:
    root = project(tmp_path, pyproject=PYPROJECT + DECLARED)
    claims = {key: value for key, value in {**CLAIMS, **change}.items() if value is not None}
    for given in (json.dumps(claims), token(claims), json.dumps({"claims": claims})):
        ran = run(root, "--claims", "-", "--format", "json", given=given)
        assert ran.code == (0 if ident is None else 1)
        found = {one["ident"] for one in ran.findings if one["severity"] == "error"}
        assert found == ({ident} if ident else set())
        assert all("pyproject.toml" in one["path"] for one in ran.findings if one["severity"] == "error")


@pytest.mark.parametrize("given", ["", "[]", "{", "eyJ.x", "x" * 70_000])
def test_claims_that_are_none_are_refused(tmp_path: Path, given: str) -> None:
    root = project(tmp_path, pyproject=PYPROJECT + DECLARED)
    (tmp_path / "claims").write_text(given, "utf-8")
    ran = run(root, "--claims", tmp_path / "claims")
    assert ran.code in (2, 3)
    assert "token" in ran.err


def test_without_a_declared_publisher_there_is_nothing_to_compare_claims_with(tmp_path: Path) -> None:
    ran = run(project(tmp_path), "--claims", "-", given=json.dumps(CLAIMS))
    assert ran.code == 2
    assert "declares none" in ran.err


def test_a_workflow_that_was_changed_after_the_last_tag_was_not_exercised(tmp_path: Path) -> None:
    root = project(tmp_path)

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)

    def idents() -> set[str]:
        return {one["ident"] for one in run(root, "--format", "json").findings}

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "-m", "one")
    assert "TP512" not in idents()
    git("tag", "v1.0.0")
    assert "TP512" not in idents()
    (root / WORKFLOW).write_text(GOOD + "# more\n", "utf-8")
    git("commit", "-am", "two")
    assert "TP512" in idents()


def test_zizmor_is_asked_where_it_is_installed(tmp_path: Path) -> None:
    found = shutil.which("zizmor", path=os.pathsep.join([str(ROOT / ".venvs" / "zizmor" / "bin"), os.environ["PATH"]]))
    if found is None:
        pytest.skip("THE REAL zizmor IS NOT HERE. Get it: make peers")
    ran = run(
        FIXTURES / "34-template-injection", "--with-zizmor", "--format", "json",
        PATH=f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    assert ("zizmor/template-injection", WORKFLOW, 17) in {
        (one["ident"], one["path"], one["line"]) for one in ran.findings
    }
    assert ran.code == 0


def test_without_zizmor_that_is_said() -> None:
    ran = run(FIXTURES / "00-good", "--with-zizmor", PATH="")
    assert ran.code == 2
    assert "zizmor is not installed" in ran.err
