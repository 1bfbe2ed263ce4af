# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Indexes by the names that a project gives them, and what is known of each before it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trustpub.client.indexes import resolve
from trustpub.declared import Declared, declared
from trustpub.errors import Misuse

PACKAGES = {"url": "https://packages.example.com", "audience": "packages", "ca": "ca.pem"}


def table(**indexes: Any) -> Declared:
    """What a pyproject.toml with these indexes declares."""
    return declared({"indexes": indexes}, Path("/project/pyproject.toml"))


def test_without_a_word_it_is_the_default_that_is_declared_else_pypi() -> None:
    assert resolve(None).name == "pypi"
    assert resolve(None, table(packages=PACKAGES)).name == "pypi"
    named = declared({"default-index": "packages", "indexes": {"packages": PACKAGES}}, Path("/project/pyproject.toml"))
    assert resolve(None, named).name == "packages"
    assert resolve("pypi", named).name == "pypi"


def test_a_name_brings_all_that_is_declared() -> None:
    index = resolve("packages", table(packages=PACKAGES))
    assert index.upload_url == "https://packages.example.com/legacy/"
    assert index.simple_url == "https://packages.example.com/simple/"
    assert (index.name, index.audience, index.ca) == ("packages", "packages", "/project/ca.pem")


@pytest.mark.parametrize(
    "given", ["https://packages.example.com", "https://packages.example.com/legacy", "https://packages.example.com/legacy/"]
)  # fmt: skip
def test_so_does_its_address(given: str) -> None:
    assert resolve(given, table(packages=PACKAGES)).audience == "packages"
    assert resolve("https://other.example.com", table(packages=PACKAGES)).audience is None


@pytest.mark.parametrize(
    ("given", "simple_url"),
    [
        ("pypi", "https://pypi.org/simple/"),
        ("testpypi", "https://test.pypi.org/simple/"),
        ("https://index.example", "https://index.example/simple/"),
        ("https://index.example/team/legacy/", "https://index.example/team/simple/"),
        ("https://index.example/ada/dev/", "https://index.example/ada/dev/simple/"),
    ],
)
def test_where_an_index_is_read_follows_from_where_files_are_sent(given: str, simple_url: str) -> None:
    assert resolve(given).simple_url == simple_url


def test_unless_it_is_declared() -> None:
    known = table(devpi={"url": "https://index.example/ada/dev/", "simple": "https://index.example/ada/dev/+simple"})
    assert resolve("devpi", known).simple_url == "https://index.example/ada/dev/+simple/"


def test_pypi_may_be_declared_and_stays_where_it_is() -> None:
    known = table(pypi={"audience": "pypi"})
    assert resolve("pypi", known).upload_url == "https://upload.pypi.org/legacy/"
    assert resolve("pypi", known).built_in
    assert resolve(None, known).audience == "pypi"
    with pytest.raises(Misuse, match="is not the address of pypi"):
        resolve("pypi", table(pypi={"url": "https://evil.example/legacy/"}))


@pytest.mark.parametrize("url", ["http://packages.example.com", "https://u:p@packages.example.com", "packages"])
def test_an_address_that_cannot_be_used_is_named_with_its_place(url: str) -> None:
    with pytest.raises(Misuse, match="tool.trustpub.indexes.packages.url") as caught:
        resolve("packages", table(packages={"url": url}))
    assert "u:p" not in caught.value.message


def test_an_unknown_name_is_told_beside_those_that_there_are() -> None:
    with pytest.raises(Misuse) as caught:
        resolve("nobody", table(packages=PACKAGES))
    assert caught.value.hint is not None
    assert "packages, pypi or testpypi" in caught.value.hint
