# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`trustpub init --migrate` takes a stored token out of a workflow and changes no more than that takes."""

from __future__ import annotations

import difflib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trustpub import __version__, declared
from trustpub.errors import Misuse
from trustpub.workflow import migrating

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

HEAD = """\
name: Publish   # ours, and so is this comment

on:
  release:
    types: [published]

"""
JOB = """\
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python -m build   # with 'quotes'
"""
CLIENT = f'pipx run --spec "trustpub=={__version__}" trustpub publish'
GRANTED = ["+    environment: pypi", "+    permissions:", "+      id-token: write", "+      contents: read"]


def lay(folder: Path, text: str, *, remote: bool = True, others: Mapping[str, str] | None = None) -> Path:
    subprocess.run(["git", "-C", str(folder), "init", "-q", "-b", "main"], check=True)
    if remote:
        subprocess.run(
            ["git", "-C", str(folder), "remote", "add", "origin", "https://github.com/Acme/Demo.git"], check=True
        )
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0"  # here\n')
    place = folder / ".github" / "workflows"
    place.mkdir(parents=True)
    for name, content in {"publish.yml": text, **(others or {})}.items():
        (place / name).write_bytes(content.encode())
    return place / "publish.yml"


def migrate(folder: Path, *words: str, name: str = "publish.yml") -> subprocess.CompletedProcess[str]:
    return typed("init", "--migrate", name, *words, cwd=folder)


def migrated(folder: Path, *words: str) -> dict[str, Any]:
    done = migrate(folder, "--yes", "--json", *words)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def differing(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


ACTION = HEAD + JOB + """\
      - name: Publish
        uses: pypa/gh-action-pypi-publish@dc37677b2e1c63e2034f94d8a5b11f265b73ba33 # v1.14.2
        with:
          user: __token__
          password: ${{ secrets.PYPI_API_TOKEN }}
"""  # fmt: skip
UV = HEAD + JOB + """\
      - run: uv publish --token ${{ secrets.PYPI_API_TOKEN }} dist/*
"""  # fmt: skip
POETRY = HEAD + JOB + """\
      - run: poetry config pypi-token.pypi ${{ secrets.PYPI_API_TOKEN }}
      - run: poetry publish --build --no-interaction
"""  # fmt: skip
FLIT = HEAD + JOB + """\
      - run: flit publish
        env:
          FLIT_USERNAME: __token__
          FLIT_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}
"""  # fmt: skip
CASES: Mapping[str, tuple[str, list[str]]] = {
    "the action": (
        ACTION,
        [
            *GRANTED,
            "-        with:",
            "-          user: __token__",
            "-          password: ${{ secrets.PYPI_API_TOKEN }}",
        ],
    ),
    "uv": (
        UV,
        [
            *GRANTED,
            "-      - run: uv publish --token ${{ secrets.PYPI_API_TOKEN }} dist/*",
            "+      - run: uv publish --trusted-publishing always dist/*",
        ],
    ),
    "uv, by a variable": (
        HEAD + JOB + "      - run: uv publish\n        env:\n"
        "          UV_PUBLISH_TOKEN: ${{ secrets.PYPI_API_TOKEN }}\n          UV_NO_CACHE: 1\n",
        [
            *GRANTED,
            "-      - run: uv publish",
            "+      - run: uv publish --trusted-publishing always",
            "-          UV_PUBLISH_TOKEN: ${{ secrets.PYPI_API_TOKEN }}",
        ],
    ),
    "twine, with options on lines of their own": (
        HEAD + JOB + "      - run: |\n          twine upload \\\n            -u __token__ \\\n"
        "            -p ${{ secrets.PYPI_API_TOKEN }} \\\n            dist/*\n",
        [*GRANTED, "-            -u __token__ \\", "-            -p ${{ secrets.PYPI_API_TOKEN }} \\"],
    ),
    "twine, by a variable of the job": (
        HEAD
        + JOB.replace("    steps:", "    env:\n      TWINE_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}\n    steps:")
        + "      - run: twine upload dist/*\n",
        ["-    env:", "-      TWINE_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}", *GRANTED],
    ),
    "twine, exported": (
        HEAD + JOB + "      - run: |\n          export TWINE_PASSWORD=${{ secrets.PYPI_API_TOKEN }}\n"
        "          twine upload dist/*\n",
        [*GRANTED, "-          export TWINE_PASSWORD=${{ secrets.PYPI_API_TOKEN }}"],
    ),
    "poetry": (
        POETRY,
        [
            *GRANTED,
            "-      - run: poetry config pypi-token.pypi ${{ secrets.PYPI_API_TOKEN }}",
            "-      - run: poetry publish --build --no-interaction",
            f"+      - run: poetry build && {CLIENT}",
        ],
    ),
    "hatch": (
        HEAD + JOB + "      - run: hatch publish\n        env:\n          HATCH_INDEX_USER: __token__\n"
        "          HATCH_INDEX_AUTH: ${{ secrets.PYPI_API_TOKEN }}\n",
        [
            *GRANTED,
            "-      - run: hatch publish",
            "-        env:",
            "-          HATCH_INDEX_USER: __token__",
            "-          HATCH_INDEX_AUTH: ${{ secrets.PYPI_API_TOKEN }}",
            f"+      - run: {CLIENT}",
        ],
    ),
    "flit": (
        FLIT,
        [
            *GRANTED,
            "-      - run: flit publish",
            "-        env:",
            "-          FLIT_USERNAME: __token__",
            "-          FLIT_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}",
            f"+      - run: flit build && {CLIENT}",
        ],
    ),
    "pdm": (
        HEAD + JOB + "      - run: pdm publish --no-build\n        env:\n"
        "          PDM_PUBLISH_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}\n",
        [*GRANTED, "-        env:", "-          PDM_PUBLISH_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}"],
    ),
    "a variable that only the option read": (
        HEAD + JOB + "      - run: twine upload -p $TOKEN dist/*\n        env:\n"
        "          TOKEN: ${{ secrets.PYPI_API_TOKEN }}\n          KEPT: ${{ secrets.OTHER }}\n",
        [
            *GRANTED,
            "-      - run: twine upload -p $TOKEN dist/*",
            "+      - run: twine upload dist/*",
            "-          TOKEN: ${{ secrets.PYPI_API_TOKEN }}",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_only_the_token_goes_and_only_the_identity_comes(tmp_path: Path, case: str) -> None:
    before, expected = CASES[case]
    path = lay(tmp_path, before)
    found = migrated(tmp_path)
    after = path.read_text()
    assert sorted(differing(before, after)) == sorted(expected)
    assert [one["name"] for one in found["secrets"]] == ["PYPI_API_TOKEN"]
    job = yaml.safe_load(after)["jobs"]["deploy"]
    assert job["permissions"] == {"id-token": "write", "contents": "read"}
    assert declared.find(tmp_path).indexes["pypi"].publisher == declared.DeclaredPublisher(
        kind="github",
        issuer="https://token.actions.githubusercontent.com",
        fields={"repository": "Acme/Demo", "workflow": "publish.yml", "environment": "pypi"},
    )
    assert not [one for one in found["findings"] if one["ident"] in ("TP201", "TP205", "TP206", "TP207", "TP103")]


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_has_nothing_left_to_do(tmp_path: Path, case: str) -> None:
    path = lay(tmp_path, CASES[case][0])
    migrated(tmp_path)
    after = path.read_bytes()
    done = migrate(tmp_path, "--yes")
    assert done.returncode == 2
    assert "no stored token" in done.stderr
    assert path.read_bytes() == after


def test_line_ends_of_windows_and_what_stands_around_are_kept(tmp_path: Path) -> None:
    before = ACTION.replace("\n", "\r\n") + "# the end\r\n"
    path = lay(tmp_path, before)
    migrated(tmp_path)
    after = path.read_bytes().decode()
    assert after.replace("\r\n", "").count("\n") == 0
    assert sorted(differing(before, after)) == sorted(CASES["the action"][1])


def test_an_environment_that_is_there_stays_and_is_registered(tmp_path: Path) -> None:
    before = ACTION.replace(
        "    steps:", "    environment: Release\n    permissions:\n      contents: read\n    steps:"
    )
    path = lay(tmp_path, before)
    found = migrated(tmp_path)
    assert [line for line in differing(before, path.read_text()) if line.startswith("+")] == ["+      id-token: write"]
    (registered,) = found["registration"]
    assert {row["title"]: row["value"] for row in registered["fields"]} == {
        "PyPI Project Name": "demo",
        "Owner": "Acme",
        "Repository name": "Demo",
        "Workflow name": "publish.yml",
        "Environment name": "Release",
    }


def test_an_environment_may_be_named_or_left_out(tmp_path: Path) -> None:
    path = lay(tmp_path, ACTION)
    assert migrate(tmp_path, "--dry-run", "--environment", "live").stdout.count("environment: live") == 1
    migrated(tmp_path, "--environment", "")
    assert "environment" not in yaml.safe_load(path.read_text())["jobs"]["deploy"]


def test_testpypi_and_pypi_are_two_publishers(tmp_path: Path) -> None:
    text = ACTION + """\
  rehearse:
    runs-on: ubuntu-latest
    steps:
      - uses: pypa/gh-action-pypi-publish@dc37677b2e1c63e2034f94d8a5b11f265b73ba33 # v1.14.2
        with:
          password: ${{ secrets.TEST_TOKEN }}
          repository-url: https://test.pypi.org/legacy/
"""  # fmt: skip
    lay(tmp_path, text)
    found = migrated(tmp_path)
    assert [one["name"] for one in found["secrets"]] == ["PYPI_API_TOKEN", "TEST_TOKEN"]
    assert {one["index"] for one in found["registration"]} == {"pypi", "testpypi"}
    assert found["revoke"] == ["https://pypi.org/manage/account/", "https://test.pypi.org/manage/account/"]


def test_a_secret_that_another_workflow_uses_is_not_to_be_deleted_yet(tmp_path: Path) -> None:
    other = "on: push\njobs:\n  x:\n    runs-on: x\n    steps:\n      - run: echo ${{ secrets.PYPI_API_TOKEN }}\n"
    lay(tmp_path, ACTION, others={"other.yml": other})
    (secret,) = migrated(tmp_path)["secrets"]
    assert secret == {"name": "PYPI_API_TOKEN", "used_elsewhere": True, "delete": None}


def test_an_action_from_before_trusted_publishing_is_renewed(tmp_path: Path) -> None:
    text = ACTION.replace("dc37677b2e1c63e2034f94d8a5b11f265b73ba33 # v1.14.2", "v1.5.1")
    path = lay(tmp_path, text)
    found = migrated(tmp_path)
    assert "pypa/gh-action-pypi-publish@dc37677b2e1c63e2034f94d8a5b11f265b73ba33 # v1.14.2" in path.read_text()
    assert any("knew no Trusted Publishing" in note for note in found["notes"])


def test_nothing_is_written_unless_somebody_says_so(tmp_path: Path) -> None:
    path = lay(tmp_path, ACTION)
    before = path.read_bytes(), (tmp_path / "pyproject.toml").read_bytes()
    shown = migrate(tmp_path, "--dry-run")
    assert shown.returncode == 0
    assert "-          password: ${{ secrets.PYPI_API_TOKEN }}" in shown.stdout
    assert "gh secret delete PYPI_API_TOKEN --repo Acme/Demo" in shown.stdout
    refused = migrate(tmp_path)
    assert refused.returncode == 2
    assert "Give --yes" in refused.stderr
    assert json.loads(migrate(tmp_path, "--json").stdout)["wrote"] is False
    assert (path.read_bytes(), (tmp_path / "pyproject.toml").read_bytes()) == before


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        (HEAD + JOB + "      - run: twine upload dist/*\n", (), "no stored token"),
        (
            HEAD + JOB + "      - run: |\n          printf '%s' '${{ secrets.PYPIRC }}' > ~/.pypirc\n"
            "          twine upload dist/*\n",
            (),
            "cannot be taken out by a program",
        ),
        (
            HEAD + JOB + "      - uses: pypa/gh-action-pypi-publish@release/v1\n"
            "        with: { password: '${{ secrets.X }}', verbose: true }\n",
            (),
            "cannot be taken out without touching more",
        ),
        (HEAD + JOB + "      - run: uv publish\n        env: *x\n", (), "not YAML"),
        (ACTION, ("--trigger", "tag"), "--trigger cannot be answered"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_so_little_is_left_alone(
    tmp_path: Path, text: str, words: tuple[str, ...], why: str
) -> None:
    path = lay(tmp_path, text)
    done = migrate(tmp_path, "--yes", *words)
    assert done.returncode == 2
    assert why in done.stderr + done.stdout
    assert path.read_text() == text


def test_a_workflow_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    lay(tmp_path, ACTION)
    done = migrate(tmp_path, "--yes", name="release.yml")
    assert done.returncode == 2
    assert "There are: publish.yml" in done.stderr


def test_an_index_that_nobody_declared_keeps_its_token(tmp_path: Path) -> None:
    own = ACTION + """\
      - run: twine upload --repository-url https://packages.example.com/legacy/ dist/*
        env:
          TWINE_PASSWORD: ${{ secrets.OWN }}
"""  # fmt: skip
    path = lay(tmp_path, own)
    found = migrated(tmp_path)
    assert "TWINE_PASSWORD: ${{ secrets.OWN }}" in path.read_text()
    assert any("packages.example.com" in note for note in found["notes"])


def test_a_token_that_is_minted_is_no_stored_one(tmp_path: Path) -> None:
    lay(tmp_path, HEAD + JOB + "      - run: TWINE_PASSWORD=$(trustpub mint --print) twine upload dist/*\n")
    assert "no stored token" in migrate(tmp_path, "--yes").stderr


def test_without_a_remote_the_repository_has_to_be_said(tmp_path: Path) -> None:
    lay(tmp_path, ACTION, remote=False)
    assert "--repository OWNER/NAME" in migrate(tmp_path, "--yes").stderr
    assert migrate(tmp_path, "--yes", "--repository", "Acme/Demo").returncode == 0


KEYS = {
    "twine upload dist/*": ("TWINE_USERNAME", "TWINE_PASSWORD"),
    "python -m twine upload --verbose dist/*": ("TWINE_USERNAME", "TWINE_PASSWORD"),
    "uv publish": ("UV_PUBLISH_USERNAME", "UV_PUBLISH_TOKEN"),
    "hatch publish": ("HATCH_INDEX_USER", "HATCH_INDEX_AUTH"),
    "poetry publish --build": ("POETRY_HTTP_BASIC_PYPI_USERNAME", "POETRY_HTTP_BASIC_PYPI_PASSWORD"),
    "pdm publish": ("PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD"),
}
COMMENTS = st.sampled_from(["", "  # why: 'it' \"is\"", "  # ${{ secrets.OLD }}"])


@st.composite
def workflows(draw: st.DrawFn) -> tuple[str, str]:
    """A workflow with a token, written in one of many ways; and the line of the step that publishes."""
    tool = draw(st.sampled_from(sorted(KEYS)))
    user, word = KEYS[tool]
    variables = {word: "${{ secrets.TOKEN }}"}
    variables |= {user: "__token__"} if draw(st.booleans()) else {}
    variables |= {"KEPT": "'1'"} if draw(st.booleans()) else {}
    names = draw(st.permutations(sorted(variables)))
    level = draw(st.sampled_from(["workflow", "job", "step"]))
    comment = draw(COMMENTS)

    def env(indent: str, at: str) -> str:
        if at != level:
            return ""
        lines = [f"{indent}  {name}: {variables[name]}{comment if name == 'KEPT' else ''}\n" for name in names]
        return f"{indent}env:\n{''.join(lines)}"

    permissions = draw(
        st.sampled_from(["", "permissions: {}\n", "permissions:\n  contents: read\n", "permissions: read-all\n"])
    )
    own = draw(
        st.sampled_from(["", "    permissions:\n      contents: read\n", "    permissions: { contents: read }\n"])
    )
    block = draw(st.booleans())
    first, last = draw(st.booleans()), draw(st.sampled_from(["", "      - run: echo done\n", "# the end\n"]))
    run = f"run: |\n          echo begin\n          {tool}\n          echo end\n" if block else f"run: {tool}\n"
    step = (
        f"      - {run}{env('        ', 'step')}"
        if first
        else f"      - name: Up\n{env('        ', 'step')}        {run}"
    )
    return (
        f"on:\n  release:\n    types: [published]{comment}\n{permissions}{env('', 'workflow')}jobs:\n  up:\n"
        f"    runs-on: ubuntu-latest\n{own}{env('    ', 'job')}    steps:\n      - uses: actions/checkout@v7{comment}\n"
        f"{step}{last}"
    ), tool  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(made=workflows())
def test_however_it_is_written_nothing_but_the_credential_goes(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[str, str]
) -> None:
    text, tool = made
    folder = tmp_path_factory.mktemp("any")
    place = folder / ".github" / "workflows" / "publish.yml"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    found = migrating.migrate(folder, "publish.yml", [("pypi", "pypi")])
    job = yaml.safe_load(found.after)["jobs"]["up"]
    assert job["permissions"]["id-token"] == "write"
    assert job["environment"] == "pypi"
    assert found.secrets == ("TOKEN",)
    allowed = (
        "env:",
        "TOKEN: ${{ secrets.TOKEN }}",
        tool,
        ": __token__",
        "permissions:",
        "secrets.TOKEN",
        "contents: read",
    )
    for line in differing(text, found.after):
        assert line.startswith("+") or any(one in line for one in allowed), line
    assert ("KEPT" in text) == ("KEPT" in found.after)
    place.write_text(found.after)
    with pytest.raises(Misuse, match="no stored token"):
        migrating.migrate(folder, "publish.yml", [("pypi", "pypi")])
