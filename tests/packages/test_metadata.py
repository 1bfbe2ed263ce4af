# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Core metadata, read from archives."""

from __future__ import annotations

import contextlib
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.packages import metadata
from trustpub.packages.agreement import differences
from trustpub.packages.metadata import VERSIONS, BadMetadata


@pytest.mark.parametrize("filetype", ["sdist", "bdist_wheel"])
def test_metadata_are_read_from_both_kinds_of_distribution(build: Any, filetype: str) -> None:
    path = build.sdist() if filetype == "sdist" else build.wheel()
    read = metadata.read(path, filetype)
    assert (read.name, read.version, read.one("requires-python")) == ("Hello.World", "1.0", ">=3.9")
    assert read.fields["description"] == ("A description.\n",)
    assert read.raw == build.metadata.encode()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_format_is_read(version: str) -> None:
    assert metadata.parse(f"Metadata-Version: {version}\nName: a\nVersion: 1\n".encode()).version == "1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no metadata-version"),
        ("Metadata-Version: 3.0\nName: a\nVersion: 1\n", "'3.0'"),
        ("Metadata-Version: 2.1\nVersion: 1\n", "no name"),
        ("Metadata-Version: 2.1\nName: a\n", "no version"),
        ("Metadata-Version: 2.1\nName: a b\nVersion: 1\n", "not a valid project name"),
        ("Metadata-Version: 2.1\nName: a\nVersion: one\n", "not a version"),
        ("Metadata-Version: 2.1\nName: a\nName: b\nVersion: 1\n", "name more than once"),
        ("Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Python: three\n", "requires-python"),
        ("Metadata-Version: 2.1\nName: a\nVersion: 1\nDescription: x\n\nbody\n", "both"),
    ],
)
def test_bad_metadata_are_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(BadMetadata, match=says):
        metadata.parse(text.encode())


def test_metadata_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(BadMetadata, match="UTF-8"):
        metadata.parse(b"Metadata-Version: 2.1\nName: a\nVersion: 1\nSummary: \xff\n")


def test_unknown_counts_as_absent_and_fields_repeat() -> None:
    text = "Metadata-Version: 2.1\nName: a\nVersion: 1\nLicense: UNKNOWN\nClassifier: A\nCLASSIFIER: B\n"
    read = metadata.parse(text.encode())
    assert "license" not in read.fields
    assert read.fields["classifier"] == ("A", "B")


@given(st.binary(max_size=300))
def test_whatever_the_bytes_only_bad_metadata_is_raised(raw: bytes) -> None:
    with contextlib.suppress(BadMetadata):
        metadata.parse(raw)


@given(content=st.binary(max_size=200))
def test_nonsense_is_no_archive(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("nonsense") / "file"
    path.write_bytes(content)
    for filetype in ("sdist", "bdist_wheel"):
        with pytest.raises(BadMetadata):
            metadata.read(str(path), filetype)


def test_a_bomb_is_not_unpacked_for_its_metadata(build: Any) -> None:
    zeros = b"\0" * (70 * 1024 * 1024)
    path = build.sdist(entries=[(build.tar_entry(f"{build.stem}/zeros", len(zeros)), zeros)])
    with pytest.raises(BadMetadata, match="unpacks to more"):
        metadata.read(path, "sdist")


def test_two_metadata_files_are_one_too_many(build: Any) -> None:
    def second(archive: zipfile.ZipFile) -> None:
        archive.writestr("other-1.0.dist-info/METADATA", build.metadata)

    with pytest.raises(BadMetadata, match="2 files"):
        metadata.read(build.wheel(after=second), "bdist_wheel")


def test_a_form_may_differ_in_spelling_only() -> None:
    text = (
        "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nRequires-Python: >=3.9, <4\n"
        'Requires-Dist: A_B>=1; python_version<"3.11"\n'
    )
    inside = metadata.parse(text.encode())
    same = {
        "Name": ["foo-bar"], "Version": ["v1.0"], "Requires-Python": ["<4,>=3.9"],
        "Requires-Dist": ["a-b >= 1 ; python_version < '3.11'"], "Summary": ["anything"],
    }  # fmt: skip
    assert differences(inside, same) == []
    assert differences(inside, {"Name": ["foo-bar"]}) == []
    other = {"Name": ["foo-baz"], "Version": ["1.1"], "Requires-Dist": ["evil"], "Requires-Python": [">=3.9"]}
    assert [one.split()[2] for one in differences(inside, other)] == [
        "name",
        "version",
        "requires-python",
        "requires-dist",
    ]


def test_a_version_of_thousands_of_digits_is_none() -> None:
    with pytest.raises(BadMetadata, match="not a version"):
        metadata.parse(b"Metadata-Version: 2.1\nName: a\nVersion: " + b"9" * 5000 + b"\n\n")
