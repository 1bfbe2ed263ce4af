# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The runner that the action is tested with does what GitHub's does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .expressions import BadExpression, Scene, evaluate, fill, holds
from .runner import Done, Job, use

CONTEXTS: dict[str, Any] = {
    "inputs": {"mode": "Mint", "empty": "", "packages-dir": "dist", "bad": "a' || true"},
    "steps": {"one": {"outputs": {"api-token": "t"}, "outcome": "success"}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.mode", "Mint"),
        ("inputs['packages-dir']", "dist"),
        ("inputs.mode == 'mint'", True),
        ("inputs.mode != 'mint'", False),
        ("inputs.missing.below == null", True),
        ("inputs.empty && 'x' || 'y'", "y"),
        ("steps.one.outputs.api-token", "t"),
        ("steps.two.outputs.api-token", None),
        ("!(1 < 2) || 0x10 == 16", True),
        ("'it''s'", "it's"),
        ("inputs.bad == 'a'", False),
        ("startsWith(inputs.mode, 'mi') && !endsWith('abc', 'b')", True),
        ("contains('Hello', 'ELL')", True),
        ("format('{0}-{1}', 'a', true)", "a-true"),
        ("'' == 0", True),
        ("true == 'true'", False),
    ],
)
def test_an_expression_has_the_value_that_github_documents(text: str, value: object) -> None:
    assert evaluate(text, Scene(contexts=CONTEXTS)) == value


@pytest.mark.parametrize("text", ["input.mode", "a b", "inputs.mode ==", "'open", "nothing()", "inputs..x", "$x"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        evaluate(text, Scene(contexts=CONTEXTS))


def test_embedded_expressions_become_text() -> None:
    assert fill("${{ inputs.mode }}:${{ steps.x.y }}:${{ 1 == 1 }}", Scene(contexts=CONTEXTS)) == "Mint::true"


@pytest.mark.parametrize(
    ("condition", "after_success", "after_failure"),
    [
        (None, True, False),
        ("inputs.mode == 'mint'", True, False),
        ("${{ always() }}", True, True),
        ("failure()", False, True),
        ("always() && inputs.empty", False, False),
    ],
)
def test_a_condition_means_success_unless_it_asks(
    condition: str | None, after_success: bool, after_failure: bool
) -> None:
    assert holds(condition, Scene(contexts=CONTEXTS)) is after_success
    assert holds(condition, Scene(contexts=CONTEXTS, status="failure")) is after_failure


def steps(tmp_path: Path, text: str, given: dict[str, str] | None = None) -> tuple[Job, Done]:
    action = tmp_path / "action"
    action.mkdir()
    (action / "action.yml").write_text(
        "inputs: {word: {default: usual}}\n"
        "outputs: {all: {value: '${{ steps.a.outputs.x }}'}}\n"
        f"runs:\n  using: composite\n  steps:\n{text}",
        encoding="utf-8",
    )
    job = Job(folder=tmp_path / "runner", env={}, secrets=("hunter2",))
    return job, use(job, action, given)


def test_outputs_variables_and_paths_reach_the_steps_after(tmp_path: Path) -> None:
    job, done = steps(
        tmp_path,
        '    - {id: a, shell: bash, run: \'echo x=1 >>$GITHUB_OUTPUT; printf "V<<E\\na\\nb\\nE\\n" >>$GITHUB_ENV;'
        ' echo /nowhere >>$GITHUB_PATH; echo "# done" >>$GITHUB_STEP_SUMMARY\'}\n'
        "    - {shell: bash, env: {W: '${{ inputs.word }}'}, run: 'echo \"$V|$W|${PATH%%:*}\"'}\n",
        {"word": "$(exit 3)", "other": "x"},
    )
    assert done.ok
    assert done.outputs == {"all": "1"}
    assert {"a", "b|$(exit 3)|/nowhere"} <= set(job.log)
    assert job.summary == "# done\n"
    assert job.annotations == [("warning", "Unexpected input(s) ['other'], valid inputs are ['word']")]


def test_a_mask_holds_from_its_line_on_and_secrets_always(tmp_path: Path) -> None:
    job, _ = steps(
        tmp_path,
        "    - shell: bash\n      run: |\n        echo early s3cret hunter2\n        echo ::add-mask::s3cret\n"
        "        echo late s3cret\n        echo ::error::of s3cret%0Aend >&2\n        echo ::stop-commands::w\n"
        "        echo ::add-mask::late\n        echo ::w::\n",
    )
    shown = [line for line in job.log if not line.startswith(("##[group]", "echo"))]
    assert shown == ["env:", "##[endgroup]", "early s3cret ***", "late ***", "##[error]of ***\nend", "::add-mask::late"]


def test_a_failed_step_skips_the_others_but_those_that_always_run(tmp_path: Path) -> None:
    job, done = steps(
        tmp_path,
        "    - {id: a, shell: bash, run: 'false | true; echo never'}\n    - {id: b, shell: bash, run: echo b}\n"
        "    - {id: c, if: always(), shell: bash, run: 'echo c; exit 0'}\n",
    )
    assert not done.ok
    assert [done.steps[name]["outcome"] for name in "abc"] == ["failure", "skipped", "success"]
    assert "never" not in job.log
