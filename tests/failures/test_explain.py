# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub explain``: from a log, and the publisher that the project declares, to the field that is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.failures.explain import explain
from trustpub.failures.log import read

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

DECLARED = """
[tool.trustpub.indexes.pypi.publisher]
kind = "github"
repository = "acme/demo"
workflow = "release.yml"
environment = "pypi"
repository-id = 7
"""
RIGHT = {
    "repository": "acme/demo",
    "repository_id": "7",
    "workflow_ref": "acme/demo/.github/workflows/release.yml@refs/tags/v1",
    "job_workflow_ref": "acme/demo/.github/workflows/release.yml@refs/tags/v1",
    "environment": "pypi",
}
REFUSED = "valid token, but no corresponding publisher (Publisher with matching claims was not found)"


def as_the_action(claims: Mapping[str, str | None]) -> str:
    told = "\n".join(f"* `{name}`: `{'MISSING' if value is None else value}`" for name, value in claims.items())
    return f"* `invalid-publisher`: {REFUSED}\n\n{told}\n"


def as_uv(claims: Mapping[str, str | None]) -> str:
    told = ", ".join(f'{name}: {"None" if value is None else f"Some({chr(34)}{value}{chr(34)})"}'
                     for name, value in claims.items())  # fmt: skip
    answer = json.dumps({"message": "Token request failed", "errors": [{"code": "invalid-publisher"}]})
    return (
        "error: Failed to obtain token for trusted publishing\n  Caused by: returned error code 422, is trusted "
        f"publishing correctly configured?\nResponse: {answer}\n"
        f"Token claims, which must match the publisher configuration: GitHubTokenClaims {{ {told} }}"
    )


def as_we_do(claims: Mapping[str, str | None]) -> str:
    told = "\n".join(f"  {name}: {'(none)' if value is None else value}" for name, value in claims.items())
    return (
        f"error: https://index.example gives no token (422):\n  invalid-publisher: {REFUSED}\n"
        f"This job's identity says:\n{told}"
    )


CHANGED: tuple[tuple[str, dict[str, str | None], str], ...] = (
    ("workflow-differs", {"job_workflow_ref": "acme/demo/.github/workflows/release.yaml@refs/tags/v1",
                          "workflow_ref": "acme/demo/.github/workflows/release.yaml@refs/tags/v1"}, "release.yaml"),
    ("environment-differs", {"environment": None}, "the job has none"),
    ("environment-differs", {"environment": "release"}, "release, wanted is pypi"),
    ("letter-case", {"repository": "Acme/demo"}, "Acme/demo"),
    ("repository-renamed", {"repository": "acme/new-name"}, "acme/new-name"),
    ("repository-recreated", {"repository_id": "8"}, "8, wanted is 7"),
    ("nothing-registered", {}, "whom the project declares"),
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(DECLARED)
    return tmp_path


def run(project: Path, words: Sequence[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    return typed("explain", *words, cwd=project, given=text or "")


@pytest.mark.parametrize("dialect", [as_the_action, as_uv, as_we_do], ids=["the-action", "uv", "trustpub"])
@pytest.mark.parametrize(("ident", "changed", "told"), CHANGED, ids=[f"{one[0]}-{n}" for n, one in enumerate(CHANGED)])
def test_the_claims_that_clients_print_tell_the_field(
    project: Path, dialect: object, ident: str, changed: dict[str, str | None], told: str
) -> None:
    assert callable(dialect)
    from trustpub import declared

    found = explain(read(dialect(RIGHT | changed), declared.find(project)))
    assert [one.failure.ident for one in found] == [ident]
    assert told in " ".join(found[0].symptom.told)


def test_what_our_index_says_of_a_field_needs_no_declaration() -> None:
    text = (
        "error: https://index.example gives no token (422):\n  invalid-publisher: valid token, but no publisher\n"
        "  environment: the identity has none, the publisher wants pypi\n"
    )
    (one,) = explain(read(text))
    assert one.failure.ident == "environment-differs"
    assert one.symptom.told == ("environment: the job has none, wanted is pypi.",)


def test_gitlab_and_google_are_compared_too() -> None:
    from trustpub.declared import declared

    gitlab = {"kind": "gitlab", "namespace": "acme", "project": "demo", "workflow-filepath": ".gitlab-ci.yml"}
    google = {"kind": "google", "email": "release@acme.iam.gserviceaccount.com", "sub": "123456789012345678901"}
    for publisher, claim, ident in (
        (gitlab, "ci_config_ref_uri: `gitlab.com/acme/demo//ci/release.yml@refs/tags/v1`", "workflow-differs"),
        (google, "email: `other@acme.iam.gserviceaccount.com`", "google-account"),
    ):
        table = {"indexes": {"pypi": {"publisher": publisher}}}
        text = f"invalid-publisher: {REFUSED}\n* {claim}\n"
        (one,) = explain(read(text, declared(table, Path("pyproject.toml"))))
        assert one.failure.ident == ident


def test_a_file_a_text_and_standard_input_are_read_alike(project: Path) -> None:
    text = as_uv(RIGHT | {"environment": None})
    (project / "job.log").write_text(text)
    told = {run(project, ["job.log"]).stdout, run(project, [text]).stdout, run(project, ["-"], text).stdout}
    assert len(told) == 1
    assert "environment: the job has none, wanted is pypi." in told.pop()


def test_programs_get_the_same_as_json(project: Path) -> None:
    done = run(project, ["--json", "-"], as_the_action(RIGHT | {"environment": "x"}))
    (one,) = json.loads(done.stdout)["explanations"]
    assert done.returncode == 0
    assert (one["ident"], one["certain"]) == ("environment-differs", True)
    assert one["rules"]


def test_what_is_not_known_ends_with_one_and_says_what_to_paste(project: Path) -> None:
    done = run(project, ["nothing of note"])
    assert done.returncode == 1
    assert "Paste more of the log" in done.stderr


def test_nothing_is_no_log(project: Path) -> None:
    assert run(project, ["-"], "\n").returncode == 2


def test_tokens_in_a_pasted_log_are_not_repeated(project: Path) -> None:
    secret, identity = "pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAw", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4eHh4In0.c2lnbmF0dXJl"
    done = run(project, [f"File already exists {secret} {identity}"])
    assert "***" in done.stdout
    assert secret not in done.stdout + done.stderr
    assert identity not in done.stdout + done.stderr


def test_a_hostile_log_commands_neither_terminal_nor_runner(project: Path) -> None:
    done = run(project, ["-"], "File already exists ::set-output name=x::y \x1b]0;title\x07\n")
    assert done.returncode == 0
    assert "::set-output" not in done.stdout
    assert "\x1b" not in done.stdout


@given(st.text(alphabet="ab `'\"*:{}()\n\x1b[0m_-/@.", max_size=300))
def test_any_text_is_read(text: str) -> None:
    explain(read(text + "\ninvalid-publisher " + text))
