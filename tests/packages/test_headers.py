# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What fields of core metadata may hold, and what they promise about the files beside them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from trustpub.packages import metadata
from trustpub.packages.agreement import differences
from trustpub.packages.archives import BadArchive, check
from trustpub.packages.entries import MAX_METADATA_BYTES
from trustpub.packages.metadata import BadMetadata

HEAD = "Metadata-Version: 2.6\nName: a\nVersion: 1\n"


@pytest.mark.parametrize(
    "line",
    [
        "Summary: " + "s" * 512,
        "Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM",
        'Description-Content-Type: text/x-rst; charset="utf-8"',
        "License-Expression: MIT OR (Apache-2.0 AND LicenseRef-Ours)",
        "License-File: licenses/MIT.txt",
        "Requires-Dist: b[c] (>=1) ; python_version < '3'",
        "Requires-Dist: b @ https://example.org/b.whl",
        "Requires-Python: >=3.9,!=3.10.*",
        "Provides-Extra: all_of-it.1",
        "Project-URL: " + "l" * 32 + ", https://example.org",
        "Dynamic: Requires-Dist",
        "Import-Name: a.b",
        "Import-Name: _a ; private",
        "Import-Namespace: a",
        "Something-New: whatever",
    ],
)
def test_a_field_that_is_right_is_read(line: str) -> None:
    metadata.parse(f"{HEAD}{line}\n".encode())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Summary: " + "s" * 513, "longer than 512"),
        ("Summary: one\n  two", "longer than a line"),
        ("Description-Content-Type: text/html", "text/markdown"),
        ("Description-Content-Type: text/plain; charset=latin-1", "UTF-8"),
        ("Description-Content-Type: text/markdown; variant=Ours", "CommonMark"),
        ("License-Expression: Ours", "SPDX"),
        ("License: MIT\nLicense-Expression: MIT", "both license"),
        ("License-File: ../LICENSE", "'..'"),
        ("License-File: /LICENSE", "absolute"),
        ("Requires-Dist: b >=", "PEP 508"),
        ("Requires-Dist: b @ ", "PEP 508"),
        ("Requires-Dist: " + "(" * 5000, "PEP 508"),
        ("Requires-Python: three", "specifier"),
        ("Provides-Extra: a b", "not a valid"),
        ("Project-URL: https://example.org", "LABEL, URL"),
        ("Project-URL: " + "l" * 33 + ", https://example.org", "more than 32"),
        ("Dynamic: Version", "dynamic"),
        ("Dynamic: Something-New", "dynamic"),
        ("Import-Name: a-b", "module"),
        ("Import-Name: class", "module"),
        ("Import-Name: a; public", "module"),
        ("Import-Name: a\nImport-Namespace: a", "same import-name"),
        ("Summary: one\nSummary: two", "summary more than once"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_shown(line: str, says: str) -> None:
    with pytest.raises(BadMetadata, match=says):
        metadata.parse(f"{HEAD}{line}\n".encode())


def test_everything_wrong_is_told_at_once_and_long_values_are_cut() -> None:
    text = f"{HEAD}Requires-Python: three\nSummary: {'s' * 10_000}\nDynamic: Name\n"
    with pytest.raises(BadMetadata) as caught:
        metadata.parse(text.encode())
    said = str(caught.value)
    assert all(part in said for part in ("requires-python", "summary", "dynamic"))
    assert len(said) < 1000


def test_a_large_description_costs_no_more_than_its_size() -> None:
    raw = f"{HEAD}\n".encode() + b"word\n" * (MAX_METADATA_BYTES // 5 - 20)
    tracemalloc.start()
    assert len(metadata.parse(raw).fields["description"][0]) > 8_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * len(raw)


def test_headers_without_end_are_refused() -> None:
    with pytest.raises(BadMetadata, match="headers are longer"):
        metadata.parse(f"{HEAD}Classifier: {'x' * 2**20}\n".encode())


def test_line_ends_of_any_kind_end_the_headers() -> None:
    for blank in ("\n\n", "\r\n\r\n", "\r\r"):
        read = metadata.parse(f"{HEAD.rstrip()}{blank}Name: of the body\n".encode())
        assert (read.name, "Name: of the body" in read.fields["description"][0]) == ("a", True)


def test_license_files_are_where_their_metadata_say_from_2_4_on(build: Any) -> None:
    text = "Metadata-Version: {}\nName: Hello.World\nVersion: 1.0\nLicense-File: LICENSE\n"
    for version, must in (("2.4", True), ("2.3", False)):
        said = text.format(version)
        inside = metadata.parse(said.encode())
        assert inside.licenses == (("LICENSE",) if must else ())
        for path, filetype in ((build.wheel(metadata=said), "bdist_wheel"), (build.sdist(metadata=said), "sdist")):
            if must:
                with pytest.raises(BadArchive, match="License-File"):
                    check(path, filetype, "Hello.World", "1.0", inside.licenses)
            else:
                check(path, filetype, "Hello.World", "1.0", inside.licenses)
    there = {f"{build.info}/licenses/LICENSE": b"Free."}
    check(build.wheel(metadata=text.format("2.4"), files=there), "bdist_wheel", "Hello.World", "1.0", ["LICENSE"])
    entry = (build.tar_entry(f"{build.stem}/LICENSE", 1), b"x")
    check(build.sdist(metadata=text.format("2.4"), entries=[entry]), "sdist", "Hello.World", "1.0", ["LICENSE"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[console_scripts]\nhello = hello:main\n[other.group]\na = b\n", None),
        ("", None),
        ("[console_scripts]\n../evil = hello:main\n", "no name for one"),
        ("[gui_scripts]\na b = hello:main\n", "no name for one"),
        ("hello = hello:main\n", "not well-formed"),
        ("[console_scripts\nx\n", "not well-formed"),
    ],
)
def test_entry_points_name_programs(build: Any, text: str, says: str | None) -> None:
    path = build.wheel(files={f"{build.info}/entry_points.txt": text.encode()})
    if says is None:
        check(path, "bdist_wheel", "Hello.World", "1.0")
    else:
        with pytest.raises(BadArchive, match=says):
            check(path, "bdist_wheel", "Hello.World", "1.0")


def test_a_form_with_import_names_is_read_in_either_spelling_and_needs_none() -> None:
    inside = metadata.parse(f"{HEAD}Import-Name: a\nImport-Name: b\n".encode())
    assert differences(inside, {"Import-Name": ["b", "a"]}) == []
    assert differences(inside, {}) == []
    assert len(differences(inside, {"Import-Name": ["evil"]})) == 1
