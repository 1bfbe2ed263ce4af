# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which job of a .gitlab-ci.yml publishes, and whether GitLab would give it an identity token."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustpub.errors import Misuse, NoIdentity
from trustpub.workflow.gitlab import GitLabJob, publishing_job

TOKENS = "  id_tokens:\n    PYPI_ID_TOKEN:\n      aud: pypi\n"
PUBLISH = f"publish:\n  environment: release\n{TOKENS}  script:\n    - trustpub publish\n"


def read(
    folder: Path, text: str, *, name: str = ".gitlab-ci.yml", file: str | None = None, environment: str | None = None
) -> GitLabJob:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    job, found = publishing_job(folder, file, environment)
    assert found
    return job


def test_the_job_is_found_with_its_environment_and_its_tokens(tmp_path: Path) -> None:
    job = read(tmp_path, f"build:\n  script: python -m build\n{PUBLISH}")
    assert (job.file, job.job, job.environment) == (".gitlab-ci.yml", "publish", "release")
    assert job.tools == ("trustpub publish",)
    assert job.tokens == {"PYPI_ID_TOKEN": ("pypi",)}
    assert job.commands == ("python -m build", "trustpub publish")
    assert not job.test_index


def test_another_file_may_be_named(tmp_path: Path) -> None:
    assert read(tmp_path, PUBLISH, name="ci/release.yml", file="ci/release.yml").file == "ci/release.yml"


@pytest.mark.parametrize("text", [None, "include: [template.yml]\nbuild:\n  script: make\n"])
def test_where_no_job_can_be_read_one_is_assumed(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ".gitlab-ci.yml").write_text(text, "utf-8")
    job, found = publishing_job(tmp_path, None, "live")
    assert (job.file, job.environment, job.on_tags, found) == (".gitlab-ci.yml", "live", True, False)


def test_a_job_has_what_it_extends_and_what_is_the_default(tmp_path: Path) -> None:
    text = (
        f"default:\n{TOKENS}"
        ".base:\n  environment: {name: release, url: x}\n  variables: {A: b}\n"
        ".more:\n  extends: .base\n  variables: {TWINE_REPOSITORY: testpypi}\n"
        "publish:\n  extends: [.more]\n  script: [[twine upload dist/*]]\n"
    )
    job = read(tmp_path, text)
    assert (job.environment, job.tools, job.test_index) == ("release", ("twine upload",), True)
    assert job.tokens == {"PYPI_ID_TOKEN": ("pypi",)}


def test_extending_oneself_ends(tmp_path: Path) -> None:
    assert read(tmp_path, f"{PUBLISH}  extends: publish\n").job == "publish"


def test_a_job_may_refuse_the_defaults(tmp_path: Path) -> None:
    text = f"default:\n{TOKENS}publish:\n  inherit: {{default: false}}\n  script: uv publish\n"
    with pytest.raises(NoIdentity, match="no identity token"):
        read(tmp_path, text)


def test_references_are_left_alone(tmp_path: Path) -> None:
    assert read(tmp_path, f"{PUBLISH}    - !reference [.setup, script]\n").tools == ("trustpub publish",)


@pytest.mark.parametrize(
    ("rules", "on_tags"),
    [
        ("", True),
        ("  only: [tags]\n", True),
        ("  rules:\n    - if: $CI_COMMIT_TAG\n", True),
        ("  rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n", False),
        ("  only: [main]\n", False),
    ],
)
def test_rules_say_whether_a_tag_starts_it(tmp_path: Path, rules: str, on_tags: bool) -> None:
    assert read(tmp_path, PUBLISH + rules).on_tags == on_tags


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ("", "no identity token"),
        ("  id_tokens: {OTHER_ID_TOKEN: {aud: pypi}}\n", "No tool would find"),
        ("  id_tokens: {PYPI_ID_TOKEN: {aud: [pypi, testpypi]}}\n", "No tool would find"),
        ("  id_tokens: {PYPI_ID_TOKEN: {}}\n", "No tool would find"),
        ("  id_tokens: {PYPI_ID_TOKEN: }\n", "No tool would find"),
    ],
)
def test_a_job_whose_token_nobody_would_find_is_told_what_to_write(tmp_path: Path, tokens: str, said: str) -> None:
    with pytest.raises(NoIdentity, match=said) as caught:
        read(tmp_path, f"publish:\n{tokens}  script: [trustpub publish]\n")
    assert "      PYPI_ID_TOKEN:\n        aud: pypi" in str(caught.value.hint)


def test_who_names_the_variable_may_call_it_anything(tmp_path: Path) -> None:
    tokens = "  id_tokens: {MINE: {aud: pypi}}\n"
    script = "  script: ['echo \"$MINE\" | trustpub publish --identity-token -']\n"
    assert read(tmp_path, f"publish:\n{tokens}{script}").any_name


def test_an_environment_with_a_variable_must_be_named(tmp_path: Path) -> None:
    text = PUBLISH.replace("release", "release/$CI_COMMIT_TAG")
    with pytest.raises(Misuse, match="only a pipeline knows"):
        read(tmp_path, text)
    assert read(tmp_path, text, environment="release/v1").environment == "release/v1"


def test_of_several_the_one_meant_must_be_named(tmp_path: Path) -> None:
    text = PUBLISH + PUBLISH.replace("publish:", "other:").replace("release", "staging")
    with pytest.raises(Misuse, match="Several jobs publish") as caught:
        read(tmp_path, text)
    assert "job other (trustpub publish, environment staging)" in str(caught.value.hint)
    assert read(tmp_path, text, environment="staging").job == "other"
    with pytest.raises(Misuse, match="with the environment named"):
        read(tmp_path, text, environment="nowhere")


def test_jobs_for_the_test_index_and_jobs_without_a_token_are_meant_last(tmp_path: Path) -> None:
    trial = "trial:\n  id_tokens: {TESTPYPI_ID_TOKEN: {aud: testpypi}}\n  script: [trustpub publish --index testpypi]\n"
    bare = "bare:\n  script: [twine upload dist/*]\n"
    assert read(tmp_path, trial + bare + PUBLISH).job == "publish"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("build:\n  script: make\n", "No job of .gitlab-ci.yml publishes a package"),
        ("publish: [", "not YAML that GitLab would take in line 1"),
        ("- a list", "no mapping"),
        ("a: 1\na: 2\n", "stands twice"),
        ("a: !strange x\n", "not YAML"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misuse, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize("file", ["../x.yml", "/etc/x.yml", "x.txt", "ci"])
def test_only_a_yaml_file_of_the_repository_is_one(tmp_path: Path, file: str) -> None:
    with pytest.raises(Misuse, match="not the path of a YAML file"):
        publishing_job(tmp_path, file, None)
