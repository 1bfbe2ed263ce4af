# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a project declares of its releases in ``[tool.trustpub]``, and how faults in it are told."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.declared import NOTHING, Count, DeclaredIndex, DeclaredPublisher, declared, find, read
from trustpub.errors import Misuse
from trustpub.trust.issuers import PROVIDERS

WHOLE = """
[project]
name = "demo"

[tool.trustpub]
default-index = "packages"
tag = "v{version}"
expect = { sdist = 1, wheels = "1+" }
workspace = true

[tool.trustpub.indexes.packages]
url = "https://packages.example.com/legacy/"
simple = "https://packages.example.com/simple/"
audience = "packages_example_com"
ca = "certificates/packages.pem"

[tool.trustpub.indexes.packages.publisher]
kind = "github"
repository = "acme/demo"
workflow = "release.yml"
environment = "Release"
repository-id = 42

[tool.trustpub.indexes.pypi]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A pyproject.toml."""
    return tmp_path / "pyproject.toml"


def of(text: str, path: Path = Path("pyproject.toml")) -> Any:
    """What the table under ``tool.trustpub`` in ``text`` declares."""
    return declared(tomllib.loads(text)["tool"]["trustpub"], path)


def test_everything_is_read(file: Path) -> None:
    file.write_text(WHOLE)
    found = read(file)
    assert (found.path, found.default_index, found.tag, found.workspace) == (file, "packages", "v{version}", True)
    assert found.expect == {"sdist": Count(least=1, exactly=True), "wheels": Count(least=1, exactly=False)}
    assert found.indexes == {
        "packages": DeclaredIndex(
            name="packages",
            url="https://packages.example.com/legacy/",
            simple="https://packages.example.com/simple/",
            audience="packages_example_com",
            ca=file.parent / "certificates/packages.pem",
            publisher=DeclaredPublisher(
                kind="github",
                issuer="https://token.actions.githubusercontent.com",
                fields={
                    "repository": "acme/demo",
                    "workflow": "release.yml",
                    "environment": "release",  # as GitHub compares it
                    "repository_id": "42",
                },
            ),
        ),
        "pypi": DeclaredIndex(name="pypi"),
    }


def test_the_nearest_file_counts_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "packages" / "one"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(WHOLE)
    assert find(inner).default_index == "packages"
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere")  # as in a worktree
    assert find(inner) is NOTHING
    (tmp_path / "repository" / "pyproject.toml").write_text("[tool.trustpub]\ndefault-index = 'testpypi'\n")
    assert find(inner).default_index == "testpypi"
    (inner / "pyproject.toml").write_text("[project]\nname = 'one'\n")
    assert find(inner) is NOTHING


@pytest.mark.parametrize(
    "text", ["", "[project]\nname = 'x'\n", "[tool.other]\n", "tool = 'trustpub'\n", "# trustpub\n"]
)
def test_without_the_table_nothing_is_declared(file: Path, text: str) -> None:
    file.write_text(text)
    assert read(file) is NOTHING


def test_an_empty_table_declares_nothing_but_itself(file: Path) -> None:
    file.write_text("[tool.trustpub]\n")
    assert read(file).path == file
    assert read(file).indexes == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"trustpub = ", "is not TOML"),
        (b"trustpub = '\xff'", "is not TOML"),
        (b"trustpub = " + b"[" * 20_000, "is not TOML"),
        (b"trustpub = " + b"9" * 5_000, "is not TOML"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(file: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misuse, match=problem) as caught:
        read(file)
    assert str(file) in caught.value.message
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("[tool]\ntrustpub = 5", "tool.trustpub is not a table."),
        ("[tool.trustpub]\ndefault_index = 'pypi'", "tool.trustpub.default_index is nothing that is known here"),
        ("[tool.trustpub]\ndefault-index = ''", "tool.trustpub.default-index is empty, or no text."),
        ("[tool.trustpub]\ndefault-index = 'x'", "tool.trustpub.default-index names no index of the file: 'x'."),
        ("[tool.trustpub]\ndefault-index = ['pypi']", "tool.trustpub.default-index is empty, or no text."),
        ("[tool.trustpub]\ntag = 'v'", "tool.trustpub.tag must have {version} in it, once."),
        ("[tool.trustpub]\ntag = '{version}{version}'", "tool.trustpub.tag must have {version} in it, once."),
        ("[tool.trustpub]\nworkspace = 1", "tool.trustpub.workspace is neither true nor false."),
        ("[tool.trustpub]\nexpect = 1", "tool.trustpub.expect is not a table."),
        ("[tool.trustpub]\nexpect = {sdist = -1}", "tool.trustpub.expect.sdist is not a number of files"),
        ("[tool.trustpub]\nexpect = {sdist = 1.0}", "tool.trustpub.expect.sdist is not a number of files"),
        ("[tool.trustpub]\nexpect = {sdist = true}", "tool.trustpub.expect.sdist is not a number of files"),
        ("[tool.trustpub]\nexpect = {wheels = '1-3'}", "tool.trustpub.expect.wheels is not a number of files"),
        (f"[tool.trustpub]\nexpect = {{wheels = 0x{'f' * 5000}}}", "tool.trustpub.expect.wheels is not a number"),
        ("[tool.trustpub]\nexpect = {eggs = 1}", "tool.trustpub.expect.eggs is nothing that is known here"),
        ("[tool.trustpub]\nindexes = []", "tool.trustpub.indexes is not a table."),
        ("[tool.trustpub.indexes]\nx = 1", "tool.trustpub.indexes.x is not a table."),
        ("[tool.trustpub.indexes.Own]\nurl = 'x'", "tool.trustpub.indexes.Own is no name: small letters"),
        ("[tool.trustpub.indexes.own]", "tool.trustpub.indexes.own.url is missing."),
        ("[tool.trustpub.indexes.own]\nurl = 'x'\ntoken = 'y'", "tool.trustpub.indexes.own.token is nothing that"),
        ("[tool.trustpub.indexes.pypi]\naudience = 'a b'", "tool.trustpub.indexes.pypi.audience is not 1 to 256"),
    ],
)
def test_a_fault_is_told_with_its_place(table: str, fault: str) -> None:
    with pytest.raises(Misuse) as caught:
        of(table)
    first, told = caught.value.message.splitlines()[:2]
    assert first == "pyproject.toml declares what cannot be meant:"
    assert told.strip().startswith(fault)


PUBLISHER = "[tool.trustpub.indexes.pypi.publisher]\n"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("", "kind is missing; there are github, gitlab, "),
        ("kind = 'travis'", "kind is no kind of publisher: 'travis'; there are github, "),
        ("kind = 'github'\nrepository = 'demo'\nworkflow = 'a.yml'", "repository is not OWNER/NAME (As in the"),
        ("kind = 'github'\nrepository = 'a/b'", "workflow is missing, and so is calling_workflow"),
        ("kind = 'github'\nrepository = 'a/b'\nworkflow = '.github/workflows/a.yml'", "workflow is not a file name"),
        ("kind = 'github'\nrepository = 'a/b'\nworkflow = 'a.yml'\nrepository-id = true", "repository-id is not a"),
        ("kind = 'github'\nrepository = 'a/b'\nworkflow = 'a.yml'\nowner = 'a'", "owner is no field of GitHub"),
        ("kind = 'github'\nrepository = ['a/b']\nworkflow = 'a.yml'", "repository is neither text nor a number"),
        (f"kind = 'github'\nrepository = 0x{'f' * 5000}\nworkflow = 'a.yml'", "repository is neither text nor a"),
        ("kind = 'github'\nissuer = 'x'\nrepository = 'a/b'\nworkflow = 'a.yml'", "issuer is not an issuer's"),
        (
            "kind = 'github'\nissuer = 'https://gitlab.com'\nrepository = 'a/b'\nworkflow = 'a.yml'",
            "issuer is an issuer of the kind gitlab, and not of github",
        ),
        ("kind = 'google'\nemail = 'me@gmail.com'", "email is not the address of a service account"),
        ("kind = 'circleci'\norg-id = 'x'", "org-id is not a UUID in lower case"),
        ("kind = 'generic'\nimmutable = 'x'\njob = 'a'", "immutable is no list of names of claims"),
        ("kind = 'generic'\nimmutable = ['id']\njob = 'a'", "immutable names 'id', which is not among the claims"),
        ("kind = 'generic'\nimmutable = []", "fields are missing"),
        ("kind = 'generic'\niat = 5", "iat is no claim that says who the job is"),
    ],
)
def test_a_fault_of_a_publisher_is_told_in_its_providers_words(table: str, fault: str) -> None:
    with pytest.raises(Misuse) as caught:
        of(PUBLISHER + table)
    told = [line.strip() for line in caught.value.message.splitlines()[1:]]
    start = f"tool.trustpub.indexes.pypi.publisher.{fault}"
    assert any(line.startswith(start) for line in told), told


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Misuse) as caught:
        of(f"[tool.trustpub]\ntag = 'v'\nworkspace = 5\n[tool.trustpub.indexes.x]\n{PUBLISHER}kind = 'github'")
    assert len(caught.value.message.splitlines()) == 6


def test_what_a_fault_quotes_commands_nobody() -> None:
    evil = '"\\u001b[31m::set-output name=a::b"'
    with pytest.raises(Misuse) as caught:
        of(f"[tool.trustpub]\n{evil} = 1\ndefault-index = {evil}\n[tool.trustpub.indexes.{evil}]\nurl = 'x'\n")
    for line in caught.value.message.splitlines():
        assert line.isprintable()
        assert "::" not in line


@pytest.mark.parametrize("kind", list(PROVIDERS))
def test_the_documented_publisher_of_every_kind_can_be_declared(kind: str) -> None:
    provider = PROVIDERS[kind]
    as_json = kind == "generic"
    table: dict[str, Any] = {
        name if as_json else name.replace("_", "-"): tomllib.loads(f"x = {value}")["x"] if as_json else value
        for name, value in provider.example_fields.items()
    }
    if as_json:
        table["immutable"] = ["account_id"]
    found = declared({"indexes": {"pypi": {"publisher": {"kind": kind, **table}}}}, Path("pyproject.toml"))
    publisher = found.indexes["pypi"].publisher
    assert publisher is not None
    assert publisher.fields == provider.spell(provider.example_fields)
    assert publisher.issuer == (provider.issuers[0] if provider.issuers else None)
    assert publisher.immutable == (("account_id",) if as_json else ())


def test_a_claim_keeps_its_type() -> None:
    text = f"{PUBLISHER}kind = 'generic'\nissuer = 'https://ci.example'\nimmutable = ['/project/id']\n"
    found = of(f"{text}'/project/id' = 42\nnumber = '42'\ndebug = false\n").indexes["pypi"].publisher
    assert found.fields == {"/project/id": "42", "number": '"42"', "debug": "false"}
    assert found.immutable == ("/project/id",)


@pytest.mark.parametrize(
    ("written", "holds", "fails", "told"),
    [("1", [1], [0, 2], "1"), ('"2"', [2], [1, 3], "2"), ('"2+"', [2, 9], [0, 1], "2 or more"), ("0", [0], [1], "0")],
)
def test_a_count_is_a_number_or_a_least_number(written: str, holds: list[int], fails: list[int], told: str) -> None:
    count = of(f"[tool.trustpub]\nexpect = {{wheels = {written}}}").expect["wheels"]
    assert all(count.holds(one) for one in holds)
    assert not any(count.holds(one) for one in fails)
    assert str(count) == told


_WORDS = st.sampled_from(
    [
        "default-index", "tag", "expect", "workspace", "indexes", "pypi", "own", "url", "simple", "audience", "ca",
        "publisher", "kind", "issuer", "immutable", "repository", "workflow", "namespace", "project", "sub", "/a/b", "",
        "\x1b", "-", "sdist", "wheels", *PROVIDERS,
    ]
)  # fmt: skip
_VALUES = st.one_of(
    _WORDS, st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.sampled_from(["v{version}", "1+", "a/b"])
)
_TABLES = st.recursive(
    _VALUES, lambda below: st.dictionaries(_WORDS, below, max_size=4) | st.lists(below, max_size=2), max_leaves=20
)


@given(_TABLES, st.sampled_from(list(PROVIDERS)))
def test_anything_at_all_is_either_declared_or_told_to_be_wrong(value: Any, kind: str) -> None:
    tables = [value, {"indexes": {"pypi": value}}]
    if isinstance(value, dict):
        tables.append({"indexes": {"pypi": {"publisher": {**value, "kind": kind}}}})
    for table in tables:
        try:
            found = declared(table, Path("pyproject.toml"))
        except Misuse as error:
            assert all(line.isprintable() for line in error.message.splitlines())  # noqa: PT017 - of either outcome
        else:
            assert found.path == Path("pyproject.toml")


def test_a_project_that_declares_nothing_loads_neither_toml_nor_providers(file: Path) -> None:
    file.write_text("[project]\nname = 'x'\n")
    code = (
        f"import sys, pathlib; from trustpub.declared import find; find(pathlib.Path({str(file.parent)!r})); "
        "print([name for name in ('tomllib', 'trustpub.trust.issuers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
