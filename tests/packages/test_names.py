# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Names of projects and files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.packages.names import (
    BadFilename,
    fault_in_filename,
    file_key,
    is_valid,
    normalize,
    read_filename,
    sdist_filename,
)


@pytest.mark.parametrize("name", ["a", "A", "Foo.Bar", "foo__bar", "a-.-b", "0"])
def test_is_valid_takes_every_name_of_the_specification(name: str) -> None:
    assert is_valid(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "_", "a b", "a\n", "\u017f", "\u212a", "ä", "a/b", ".", "..", "a\0"])
def test_is_valid_refuses_what_only_looks_like_a_name(name: str) -> None:
    assert not is_valid(name)


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", fullmatch=True))
def test_normalizing_twice_changes_nothing(name: str) -> None:
    assert normalize(normalize(name)) == normalize(name)
    assert is_valid(normalize(name))


@pytest.mark.parametrize(
    ("filename", "name", "version", "filetype", "pyversion"),
    [
        ("foo_bar-1.0.tar.gz", "foo-bar", "1.0", "sdist", "source"),
        ("foo_bar-1.0-py3-none-any.whl", "foo-bar", "1.0", "bdist_wheel", "py3"),
        ("foo-1.0-2-cp311-cp311-manylinux_2_28_x86_64.whl", "foo", "1.0", "bdist_wheel", "cp311"),
        ("foo-1!1.0+a.1-py2.py3-none-any.whl", "foo", "1!1.0+a.1", "bdist_wheel", "py2.py3"),
    ],
)
def test_read_filename_says_what_the_name_says(
    filename: str, name: str, version: str, filetype: str, pyversion: str
) -> None:
    read = read_filename(filename)
    assert (read.name, read.version, read.filetype, read.pyversion) == (name, version, filetype, pyversion)


@pytest.mark.parametrize(
    "filename",
    [
        "", "foo", "foo.zip", "foo-1.0.zip", "foo-1.0.egg", "../foo-1.0.tar.gz", "a\\foo-1.0.tar.gz",
        "foo-1.0\n.tar.gz", "foo-x.tar.gz", "-1.0.tar.gz", "foo__bar-1.0-py3-none-any.whl", "foo-1.0-py3.whl",
        "foo-1.0-a1-py3-none-any.whl",
        "x" * 300 + "-1.0.tar.gz", "foo-1.0.tar.gz\0.whl", "foo-1.0-py3-none-\u00e4ny.whl", "foo-1.0-py3-none-a%ny.whl",
    ],
)  # fmt: skip
def test_read_filename_refuses_in_a_sentence(filename: str) -> None:
    with pytest.raises(BadFilename, match=r"\.$"):
        read_filename(filename)


@pytest.mark.parametrize(
    ("filename", "fine"),
    [
        ("foo_bar-1.0.tar.gz", True),
        ("foo-bar-1.0.tar.gz", False),
        ("Foo_Bar-1.0.tar.gz", False),
        ("foo_bar-v1.0.tar.gz", False),
        ("foo_bar-1.0-1.tar.gz", False),
        ("foo_bar-1.0-py3-none-any.whl", True),
        ("foo_bar-01.0-py3-none-any.whl", False),
        ("Foo_Bar-1.0-py3-none-any.whl", False),
        ("foo.bar-1.0-py3-none-any.whl", False),
        ("other-1.0-py3-none-any.whl", False),
    ],
)
def test_a_file_has_exactly_one_name(filename: str, *, fine: bool) -> None:
    assert (fault_in_filename(filename, "Foo.Bar", "1.0") is None) is fine


def test_the_name_of_a_source_distribution_is_normal_in_both_parts() -> None:
    assert sdist_filename("Foo.-Bar", "v1.0-1") == "foo_bar-1.0.post1.tar.gz"


def test_spellings_of_one_wheel_are_the_same_file() -> None:
    assert file_key("a-1-py2.py3-none-any.whl") == file_key("a-1-py3.py2-none-any.whl")
    assert file_key("a-1.0-py3-none-any.whl") == file_key("a-1.0.0-py3-none-any.whl")
    assert file_key("A-1.tar.gz") == file_key("a-1.0.tar.gz") != file_key("a-1.1.tar.gz")
    assert file_key("a-1-py3-none-ANY.whl") == file_key("a-1-py3-none-any.whl")
    assert file_key("a-1-py3-none-any.whl") != file_key("a-1-1-py3-none-any.whl")
    assert file_key("a-1-py3-none-any.whl") != file_key("a-1.tar.gz")
