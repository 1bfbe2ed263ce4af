# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What archives may hold."""

from __future__ import annotations

import gzip
import tarfile
import warnings
import zipfile
from typing import Any

import pytest

from trustpub.packages.archives import MAX_FAULTS, BadArchive, check


def faults(path: str, filetype: str = "bdist_wheel") -> tuple[str, ...]:
    with pytest.raises(BadArchive) as caught:
        check(path, filetype, "Hello.World", "1.0")
    assert all(fault.endswith(".") for fault in caught.value.faults)
    return caught.value.faults


def test_a_sound_wheel_and_a_sound_sdist_pass(build: Any) -> None:
    check(build.wheel(), "bdist_wheel", "Hello.World", "1.0")
    check(build.wheel(compression=zipfile.ZIP_STORED), "bdist_wheel", "hello-world", "1.0.0")
    check(build.sdist(), "sdist", "Hello.World", "1.0")


def test_a_link_inside_an_sdist_passes(build: Any) -> None:
    link = build.tar_entry(f"{build.stem}/docs/readme", 0, tarfile.SYMTYPE, "../PKG-INFO")
    check(build.sdist(entries=[(link, b"")]), "sdist", "Hello.World", "1.0")


@pytest.mark.parametrize("missing", ["METADATA", "WHEEL", "RECORD"])
def test_a_wheel_needs_its_three_files(build: Any, missing: str) -> None:
    assert f"has no {build.info}/{missing}" in faults(build.wheel(without=[f"{build.info}/{missing}"]))[0]


def test_a_changed_file_does_not_have_the_hash_in_record(build: Any) -> None:
    line = build.record_line("hello_world/__init__.py", b"greeting = 'hello'\n")
    changed = build.record_line("hello_world/__init__.py", b"greeting = 'evil!'\n")
    assert "hash that RECORD gives" in faults(build.wheel(record=lambda text: text.replace(line, changed)))[0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hello_world/gone.py,sha256=x,1\n", "which is not in the wheel"),
        ("hello_world/__init__.py,sha256=x,1\n", "more than once"),
        ('"', "CSV"),
    ],
)
def test_record_must_tell_the_truth(build: Any, line: str, says: str) -> None:
    assert says in " ".join(faults(build.wheel(record=lambda text: text + line)))


def test_a_file_that_record_does_not_list_is_a_fault(build: Any) -> None:
    path = build.wheel(after=lambda archive: archive.writestr("hello_world/extra.py", "import os\n"))
    assert faults(path) == ("RECORD does not list 'hello_world/extra.py'.",)


@pytest.mark.parametrize("hashed", ["", "md5=abc", "sha1=abc"])
def test_record_needs_a_strong_hash(build: Any, hashed: str) -> None:
    line = build.record_line("hello_world/__init__.py", b"greeting = 'hello'\n")
    weak = f"hello_world/__init__.py,{hashed},\n"
    assert "weaker than SHA-256" in faults(build.wheel(record=lambda text: text.replace(line, weak)))[0]


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../outside", "a/../../outside", "C:/windows", "a\\b", "a//b", "./a", "a/./b", "a\nb", "a\x7fb"],
)
def test_paths_that_lead_out_are_refused(build: Any, path: str) -> None:
    assert "The path" in faults(build.wheel(files={path: b"x"}))[0]
    assert "The path" in " ".join(faults(build.sdist(entries=[(build.tar_entry(path, 1), b"x")]), "sdist"))


def test_a_name_that_stands_twice_is_refused(build: Any) -> None:
    def again(archive: zipfile.ZipFile) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr("hello_world/__init__.py", "evil\n")

    assert "more than once" in faults(build.wheel(after=again))[0]
    twice = [(build.tar_entry(f"{build.stem}/PKG-INFO", 1), b"x")]
    assert "more than once" in faults(build.sdist(entries=twice), "sdist")[0]


def test_a_file_is_not_a_directory_as_well(build: Any) -> None:
    assert "both a file and a directory" in faults(build.wheel(files={"a": b"", "a/b": b""}))[0]


def test_one_dist_info_and_the_right_one(build: Any) -> None:
    assert "2 .dist-info" in faults(build.wheel(files={"other-1.0.dist-info/x": b""}))[0]
    with pytest.raises(BadArchive, match=r"not that of other 1\.0"):
        check(build.wheel(), "bdist_wheel", "other", "1.0")


def test_bombs_are_refused(build: Any) -> None:
    zeros = b"\0" * (70 * 1024 * 1024)
    assert "unpacks to more" in faults(build.wheel(files={"zeros": zeros}))[0]
    entry = build.tar_entry(f"{build.stem}/zeros", len(zeros))
    assert "unpacks to more" in faults(build.sdist(entries=[(entry, zeros)]), "sdist")[0]


def test_zip_framing_is_tight(build: Any, tmp_path: Any) -> None:
    with open(build.wheel(), "rb") as file:
        sound = file.read()
    for broken in (b"#!/bin/sh\n" + sound, sound + b"more", sound[:-5], sound[:-2] + b"\4\0abcd", b"", b"PK"):
        assert len(faults(build.file(broken))) == 1
    damaged = bytearray(sound)
    damaged[60] ^= 0xFF
    assert faults(build.file(bytes(damaged)))


def test_other_compressions_and_wheel_versions_are_refused(build: Any) -> None:
    assert "neither stored nor deflated" in faults(build.wheel(compression=zipfile.ZIP_BZIP2))[0]
    content = b"Wheel-Version: 2.0\n"
    assert "Wheel-Version" in faults(build.wheel(files={f"{build.info}/WHEEL": content}))[0]


@pytest.mark.parametrize(
    ("kind", "target", "says"),
    [
        (tarfile.SYMTYPE, "../../etc/passwd", "outside"),
        (tarfile.SYMTYPE, "/etc/passwd", "outside"),
        (tarfile.LNKTYPE, "etc/passwd", "outside"),
        (tarfile.CHRTYPE, "", "neither a file"),
        (tarfile.FIFOTYPE, "", "neither a file"),
        (tarfile.GNUTYPE_SPARSE, "", "sparse"),
    ],
)
def test_links_outside_devices_and_sparse_files_are_refused(build: Any, kind: bytes, target: str, says: str) -> None:
    entry = build.tar_entry(f"{build.stem}/odd", 0, kind, target)
    if kind == tarfile.GNUTYPE_SPARSE:
        entry.type, entry.pax_headers = tarfile.REGTYPE, {"GNU.sparse.major": "0", "GNU.sparse.name": "x"}
    assert says in " ".join(faults(build.sdist(entries=[(entry, b"")]), "sdist"))


def test_nothing_lies_below_a_link(build: Any) -> None:
    link = build.tar_entry(f"{build.stem}/here", 0, tarfile.SYMTYPE, ".")
    below = build.tar_entry(f"{build.stem}/here/file", 1)
    assert "below a link" in " ".join(faults(build.sdist(entries=[(link, b""), (below, b"x")]), "sdist"))


def test_an_sdist_has_one_directory_of_its_own_name(build: Any) -> None:
    assert "one directory" in faults(build.sdist(top="elsewhere-1.0"), "sdist")[0]
    assert "one directory" in faults(build.sdist(entries=[(build.tar_entry("beside/file", 1), b"x")]), "sdist")[0]
    assert "PKG-INFO" in faults(build.sdist(without=[f"{build.stem}/PKG-INFO"]), "sdist")[0]


def test_a_damaged_sdist_is_refused(build: Any) -> None:
    with open(build.sdist(), "rb") as file:
        sound = file.read()
    for broken in (sound[:-9], sound[: len(sound) // 2], b"PK\x03\x04" + sound, gzip.compress(b"no tar"), b""):
        assert len(faults(build.file(broken), "sdist")) <= 3


def test_faults_are_told_together_but_not_without_end(build: Any) -> None:
    many = {f"../{number}": b"" for number in range(100)}
    assert len(faults(build.wheel(files=many))) == MAX_FAULTS
