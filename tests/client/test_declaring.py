# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Commands that a job waits for mean the same whether click reads what is typed, or nobody has to load it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustpub.cli.declaring import Choice, Declared, argument, command, option
from trustpub.cli.group import offer
from trustpub.cli.mint import mint
from trustpub.cli.publish import publish
from trustpub.cli.whoami import whoami

COMMANDS: dict[str, Any] = {"mint": mint, "publish": publish, "whoami": whoami}
WORDS = ["dist/a.whl", "https://index.example/", "pypi", "-", "--", "8", "x", "", "upload", "github", "auto", "mint"]


def by_click(declared: Declared, arguments: list[str]) -> dict[str, Any] | None:
    """What click reads; None where it has something to say."""
    made = offer(declared.built())
    try:
        return dict(made.make_context("trustpub", list(arguments)).params)
    except (click.ClickException, click.exceptions.Exit):
        return None


def options_of(declared: Declared) -> list[str]:
    spelled = [name for one in declared.parameters for name in one.spellings]
    return [*spelled, *(f"{name}=pypi" for name in spelled), "--help", "-q", "--verbose", "--frob", "-x"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(COMMANDS)), st.data())
def test_what_is_read_at_once_is_what_click_reads(name: str, data: st.DataObject) -> None:
    declared = COMMANDS[name]
    arguments = data.draw(st.lists(st.sampled_from([*WORDS, *options_of(declared)]), max_size=5))
    read = declared.read(arguments)
    if read is not None:
        assert by_click(declared, arguments) == dict(read.values), arguments


@pytest.mark.parametrize(
    "typed",
    [
        "mint --print",
        "mint --print --index https://index.example --ca ca.pem -q",
        "mint --export github --scope upload --index=pypi",
        "mint --index pypi -- twine upload --verbose dist/x",
        "publish",
        "publish dist/a.whl dist/b.whl --index testpypi --json --jobs 4",
        "whoami --index pypi --json",
    ],
)
def test_what_everybody_types_is_read_at_once(typed: str) -> None:
    name, *arguments = typed.split()
    read = COMMANDS[name].read(arguments)
    assert read is not None
    assert dict(read.values) == by_click(COMMANDS[name], arguments)


@pytest.mark.parametrize(
    "typed", ["mint --help", "mint --frob", "mint --index", "mint --scope all", "publish --jobs x"]
)
def test_questions_and_mistakes_are_for_click(typed: str) -> None:
    name, *arguments = typed.split()
    assert COMMANDS[name].read(arguments) is None
    assert by_click(COMMANDS[name], arguments) is None


def test_a_command_with_something_strange_in_it_is_for_click() -> None:
    @command()
    @argument("files", nargs=-1)
    @option("--mode", type=Choice(["a", "b"]), default="a")
    @option("--dry-run", is_flag=False, flag_value="check")
    @option("--many", multiple=True)
    def plain(**values: Any) -> None: ...

    @command()
    @option("--secret", envvar="SECRET")
    def strange(**values: Any) -> None: ...

    assert strange.read([]) is None
    assert plain.read(["--dry-run"]) is None
    for typed in ([], ["x", "--many", "1", "--many=2", "--mode", "b"], ["--", "--mode"]):
        read = plain.read(typed)
        assert read is not None
        assert dict(read.values) == by_click(plain, typed)


def test_a_mint_loads_no_more_than_it_needs(run: Any, env: dict[str, str], index: Any) -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted({one.partition('.')[0] for one in sys.modules}), file=sys.stderr))\n"
        "from trustpub.cli.main import run\nrun(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "mint", "--print", "--index", index.url],
        env=env, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    loaded = set(done.stderr.splitlines()[-1].split())
    assert {"ssl", "http"} <= loaded
    assert not loaded & {"click", "urllib3", "html", "packaging", "subprocess", "traceback"}
