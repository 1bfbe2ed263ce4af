# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which job publishes, and as whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustpub.errors import Misuse
from trustpub.workflow.read import PublishingJob, choose, publishing_jobs

FIXTURES = Path(__file__).parent / "fixtures"
ACTION = "pypa/gh-action-pypi-publish"


def chosen(name: str) -> PublishingJob:
    return choose(publishing_jobs(FIXTURES / name))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    return tmp_path


def write(root: Path, text: str, name: str = "release.yml") -> Path:
    (root / ".github" / "workflows" / name).write_text(text, "utf-8")
    return root


def job(steps: str, *, head: str = "on: push\n", permissions: str = "{id-token: write}", environment: str = "") -> str:
    return f"{head}jobs:\n  out:\n    runs-on: x\n    permissions: {permissions}\n{environment}    steps:\n" + "".join(
        f"      {line}\n" for line in steps.splitlines()
    )


@pytest.mark.parametrize(
    ("name", "workflow", "in_job", "environment"),
    [
        ("00-good", "release.yml", "publish", "pypi"),
        ("04-password-and-oidc", "release.yml", "publish", "pypi"),
        ("07-composite", "release.yml", "publish", "pypi"),
        ("13-release-by-github-token", "release.yml", "publish", "pypi"),
        ("15-two-indexes", "release.yml", "publish", "pypi"),
        ("22-no-environment", "release.yml", "publish", None),
        ("24-same-job-build", "release.yml", "publish", "pypi"),
        ("25-id-token-workflow-level", "release.yml", "publish", "pypi"),
        ("30-old-action", "release.yml", "publish", "pypi"),
        ("36-env-url-name", "release.yml", "publish", "pypi"),
        ("gh-pure", "release.yml", "pypi", "pypi"),
        ("gh-trustpub", "release.yml", "pypi", "pypi"),
        ("gh-wheels", "release.yml", "pypi", "pypi"),
    ],
)
def test_the_publishing_job_is_found(name: str, workflow: str, in_job: str, environment: str | None) -> None:
    found = chosen(name)
    assert (found.workflow, found.job, found.environment, found.id_token) == (workflow, in_job, environment, True)


@pytest.mark.parametrize("name", ["01-no-id-token", "02-id-token-typo-none", "29-uv-auto"])
def test_a_job_without_the_permission_is_found_and_said_to_lack_it(name: str) -> None:
    assert chosen(name).id_token is False
    assert "without `id-token: write`" in chosen(name).told


def test_a_reusable_workflow_is_whom_the_token_names_and_its_caller_says_when() -> None:
    found = chosen("03-reusable-publish")
    assert (found.workflow, found.called_from, found.events, found.tags) == (
        "pub.yml", "release.yml", ("push",), ("v*",),
    )  # fmt: skip
    assert found.id_token
    assert "python -m build" in found.commands


def test_a_stored_secret_and_a_test_index_are_noticed() -> None:
    assert chosen("04-password-and-oidc").password
    assert [one.test_index for one in publishing_jobs(FIXTURES / "gh-pure")] == [True, False]
    assert not chosen("15-two-indexes").test_index


def test_the_word_on_is_no_boolean() -> None:
    assert chosen("00-good").events == ("push",)
    assert chosen("13-release-by-github-token").events == ("release",)
    assert chosen("21-pull-request-target").events == ("pull_request_target",)


@pytest.mark.parametrize(
    ("steps", "tool"),
    [
        ("- uses: pypa/gh-action-pypi-publish@release/v1", ACTION),
        ("- uses: tschm/token-mint-action@v1.0.3", "tschm/token-mint-action"),
        ("- run: uv publish", "uv publish"),
        ("- run: |\n    set -e\n    python -m  twine   upload dist/*", "twine upload"),
        ("- run: python -m trustpub publish --index https://i.example dist/*", "trustpub publish"),
        ("- run: trustpub mint", "trustpub mint"),
        ("- run: poetry publish -u __token__", "poetry publish"),
        ("- run: |\n    curl \\\n      https://pypi.org/_/oidc/mint-token", "/_/oidc/mint-token"),
    ],
)
def test_every_way_to_publish_is_known(written: Path, steps: str, tool: str) -> None:
    assert [one.tools for one in publishing_jobs(write(written, job(steps)))] == [(tool,)]


@pytest.mark.parametrize(
    "steps",
    [
        "- run: '# uv publish'",
        "- run: uv publish --dry-run",
        "- run: uv build",
        "- uses: actions/checkout@v4",
        "- name: uv publish",
        "- uses: ./../../elsewhere",
    ],
)
def test_what_does_not_publish_is_not_taken_for_it(written: Path, steps: str) -> None:
    assert publishing_jobs(write(written, job(steps))) == ()


@pytest.mark.parametrize(
    ("permissions", "may"),
    [("write-all", True), ("read-all", False), ("{}", False), ("{id-token: read}", False), ("{id-token: write}", True)],
)
def test_permissions_are_read_as_github_does(written: Path, permissions: str, may: bool) -> None:
    (found,) = publishing_jobs(write(written, job("- run: uv publish", permissions=permissions)))
    assert found.id_token is may


def test_a_jobs_own_permissions_replace_the_workflows(written: Path) -> None:
    head = "on: push\npermissions: {id-token: write}\n"
    write(written, job("- run: uv publish", head=head, permissions="{contents: read}"))
    assert [one.id_token for one in publishing_jobs(written)] == [False]


def test_the_caller_caps_what_a_reusable_workflow_may(written: Path) -> None:
    write(written, job("- run: uv publish", head="on: workflow_call\n"), "pub.yml")
    write(written, "on: push\njobs:\n  go:\n    permissions: {contents: read}\n    uses: ./.github/workflows/pub.yml\n")
    assert [one.id_token for one in publishing_jobs(written)] == [False]


def two(root: Path) -> tuple[PublishingJob, ...]:
    write(root, job("- run: uv publish", environment="    environment: one\n"), "a.yml")
    write(root, job("- run: uv publish", environment="    environment: {name: two}\n"), "b.yaml")
    return publishing_jobs(root)


def test_several_identities_are_listed_with_the_way_to_choose(written: Path) -> None:
    with pytest.raises(Misuse) as refusal:
        choose(two(written))
    for wanted in ("--workflow", "--environment", "a.yml", "b.yaml", "environment one", "environment two"):
        assert wanted in str(refusal.value)


def test_one_is_chosen_by_workflow_or_by_environment(written: Path) -> None:
    jobs = two(written)
    assert choose(jobs, workflow="b.yaml").environment == "two"
    assert choose(jobs, environment="ONE").workflow == "a.yml"
    with pytest.raises(Misuse, match="No job"):
        choose(jobs, workflow="a.yml", environment="two")


def test_an_environment_that_only_a_run_knows_must_be_named(written: Path) -> None:
    write(written, job("- run: uv publish", environment="    environment: ${{ inputs.to }}\n"))
    jobs = publishing_jobs(written)
    with pytest.raises(Misuse, match="expression"):
        choose(jobs)
    assert choose(jobs, environment="pypi").environment == "pypi"


def test_without_a_publishing_job_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as refusal:
        choose(publishing_jobs(tmp_path))
    assert "--workflow" in str(refusal.value)
    assert "id-token: write" in str(refusal.value)


def test_commands_are_those_of_the_needed_jobs_in_their_order(written: Path) -> None:
    write(
        written,
        "on: push\njobs:\n"
        "  first: {steps: [{run: one}]}\n"
        "  second: {needs: first, steps: [{run: two}]}\n"
        "  other: {steps: [{run: never}]}\n"
        "  out: {needs: [second], permissions: {id-token: write}, steps: [{run: uv publish}]}\n",
    )
    assert [one.commands for one in publishing_jobs(written)] == [("one", "two", "uv publish")]


@pytest.mark.parametrize(
    "text",
    [
        "", "- a\n", "jobs: [", "on: push\non: push\n", "\x00", "a: &a [*a]\n? [x]\n: y", "[" * 3000,
        "a: !!python/object/apply:os.system [x]", "x: " + "y" * (1024 * 1024), "? {a: b}\n: c",
    ],
)  # fmt: skip
def test_a_file_that_is_no_workflow_is_refused_by_name(written: Path, text: str) -> None:
    with pytest.raises(Misuse, match=r"release\.yml") as refusal:
        publishing_jobs(write(written, text))
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "jobs: 1", "jobs: !!set {a}", "on: push\njobs: {a: 1, b: {steps: 3}, c: {steps: [1, {run: 2}]}}", "2: 1",
        "a: 2026-99-99",
    ],
)  # fmt: skip
def test_odd_shapes_hold_no_job(written: Path, text: str) -> None:
    assert publishing_jobs(write(written, text)) == ()
