# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FORBIDDEN = (
    "alembic", "anyio", "cryptography", "joserfc", "multipart", "packaging", "requests", "ruamel", "sqlalchemy",
    "ssl", "starlette", "tomlkit", "urllib3", "uvicorn", "yaml",
)  # fmt: skip


@pytest.mark.parametrize("module", ["main", "mint", "publish", "completion", "show", "admin.commands"])
def test_a_command_line_loads_nothing_that_only_its_work_needs(module: str) -> None:
    code = f"import sys, trustpub.cli.{module}; print(*sorted({{one.partition('.')[0] for one in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert not set(done.stdout.split()) & set(FORBIDDEN)


def test_version_help_and_usage_errors(run: Any) -> None:
    assert run("--version").out.startswith("trustpub ")
    told = run("--help")
    assert told.code == 0
    assert all(name in told.out for name in ("publish", "mint", "serve", "admin", "rehearse", "completion"))
    for arguments in ((), ("frob",), ("publish", "--frob"), ("completion", "tcsh")):
        ran = run(*arguments)
        assert ran.code == 2
        assert "Traceback" not in ran.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_a_shell(run: Any, shell: str) -> None:
    ran = run("completion", shell)
    assert ran.code == 0
    assert "_TRUSTPUB_COMPLETE" in ran.out


def test_completion_completes(run: Any) -> None:
    ran = run(_TRUSTPUB_COMPLETE="bash_complete", COMP_WORDS="trustpub publ", COMP_CWORD="1")
    assert ran.out.split() == ["plain,publish"]


@pytest.mark.parametrize("arguments", [["--quiet", "publish"], ["publish", "-q"]])
def test_quiet_may_stand_on_either_side(run: Any, index: Any, dist: Path, arguments: list[str]) -> None:
    ran = run(*arguments, "--index", index.url, GITHUB_ACTIONS="true")
    assert ran.code == 0
    assert ran.shown == ""


def test_verbose_says_more(run: Any, index: Any, dist: Path) -> None:
    assert "sha256" in run("publish", "-v", "--index", index.url).out


def broken(tmp_path: Path, body: str) -> list[str]:
    (tmp_path / "broken.py").write_text(
        "import click\nfrom trustpub.cli import main\n"
        f"@click.command()\ndef broken():\n    {body}\n"
        'main.COMMANDS = {"serve": main.Entry(at="broken:broken", help="Breaks.", extra="server")}\n'
        'if __name__ == "__main__":\n    main.run()\n'
    )
    return [sys.executable, str(tmp_path / "broken.py"), "serve"]


def test_a_bug_shows_where_and_never_what(tmp_path: Path, env: dict[str, str]) -> None:
    program = broken(tmp_path, "raise ValueError('pypi-secret')")
    ran = subprocess.run(program, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 70
    assert "This is a bug in trustpub" in ran.stderr
    assert "ValueError" in ran.stderr
    assert "pypi-secret" not in ran.stderr
    assert "Traceback" not in ran.stderr
    ran = subprocess.run(
        program, env={**env, "TRUSTPUB_DEBUG": "1"}, capture_output=True, encoding="utf-8", check=False
    )
    assert "Traceback" in ran.stderr
    assert "may hold secrets" in ran.stderr


def test_a_missing_extra_is_the_line_to_type(tmp_path: Path, env: dict[str, str]) -> None:
    program = broken(tmp_path, "raise ModuleNotFoundError('no', name='starlette.applications')")
    ran = subprocess.run(program, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 2
    assert 'pip install "trustpub[server]"' in ran.stderr


def test_a_reader_that_goes_away_does_not_stop_a_release(
    index: Any, dist: Path, env: dict[str, str], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "trustpub", "publish", "--index", index.url],
        env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 0, err
    assert err == ""
    assert index.paths()[-1] == "/_/oidc/burn-token"


def test_a_terminal_that_knows_no_bullet_gets_an_escape(run: Any, index: Any, dist: Path) -> None:
    ran = run("publish", "--index", index.url, PYTHONIOENCODING="ascii")
    assert ran.code == 0
    assert "\\u2022" in ran.out
