# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Zip files that two readers would see differently, byte by byte."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, replace
from typing import Any

import pytest

from trustpub.packages import zips
from trustpub.packages.archives import BadArchive, check
from trustpub.packages.zips import BadZip, read_entries, unpack


@dataclass(frozen=True, kw_only=True)
class Part:
    """An entry whose header and line in the directory can be made to disagree."""

    name: bytes = b"a.txt"
    content: bytes = b"hello"
    method: int = 0
    flags: int = 0
    extra: bytes = b""
    listed_extra: bytes = b""
    comment: bytes = b""
    external: int = 0
    listed: dict[str, Any] | None = None
    """What the directory says instead."""
    after: bytes = b""
    """Bytes behind the entry."""
    hidden: bool = False
    """Not in the directory."""

    @property
    def packed(self) -> bytes:
        if self.method != 8:
            return self.content
        deflating = zlib.compressobj(wbits=-15)
        return deflating.compress(self.content) + deflating.flush()


def framed_zip(
    *parts: Part, gap: bytes = b"", tail: bytes = b"", count: int | None = None, comment: bytes = b""
) -> bytes:
    out = io.BytesIO()
    lines = []
    for part in parts:
        offset = out.tell()
        said: dict[str, Any] = {
            "name": part.name, "flags": part.flags, "method": part.method, "crc": zlib.crc32(part.content),
            "packed": len(part.packed), "size": len(part.content), "offset": offset, "disk": 0,
        }  # fmt: skip
        out.write(
            struct.pack(
                "<4sHHHHHIIIHH", b"PK\3\4", 20, said["flags"], said["method"], 0, 33, said["crc"], said["packed"],
                said["size"], len(part.name), len(part.extra),
            )
            + part.name + part.extra + part.packed + part.after
        )  # fmt: skip
        said |= part.listed or {}
        if not part.hidden:
            lines.append(
                struct.pack(
                    "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, said["flags"], said["method"], 0, 33, said["crc"],
                    said["packed"], said["size"], len(said["name"]), len(part.listed_extra), len(part.comment),
                    said["disk"], 0, part.external, said["offset"],
                )
                + said["name"] + part.listed_extra + part.comment
            )  # fmt: skip
    out.write(gap)
    start, directory = out.tell(), b"".join(lines)
    number = len(lines) if count is None else count
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, number, number, len(directory), start, len(comment))
    return out.getvalue() + directory + tail + end + comment


def names(content: bytes) -> list[str]:
    return [entry.name for entry in read_entries(io.BytesIO(content))]


def read_all(content: bytes) -> list[bytes]:
    file = io.BytesIO(content)
    return [b"".join(unpack(file, entry)) for entry in read_entries(file)]


def fault(content: bytes) -> str:
    with pytest.raises(BadZip) as caught:
        read_all(content)
    return str(caught.value)


ONE, TWO = Part(), Part(name=b"b.txt", content=b"x" * 1000, method=8)


def test_what_is_framed_well_is_read() -> None:
    content = framed_zip(ONE, TWO)
    assert names(content) == ["a.txt", "b.txt"]
    assert read_all(content) == [b"hello", b"x" * 1000]


def test_the_order_of_the_directory_makes_no_difference() -> None:
    sound = framed_zip(ONE, TWO)
    start = sound.index(b"PK\1\2")
    line, end = 46 + 5, sound.index(b"PK\5\6")
    swapped = sound[:start] + sound[start + line : end] + sound[start : start + line] + sound[end:]
    assert names(swapped) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (framed_zip(ONE, replace(TWO, hidden=True)), "does not list|between its last entry"),
        (framed_zip(replace(ONE, hidden=True), TWO), "overlap, or bytes between"),
        (framed_zip(ONE, replace(TWO, hidden=True), replace(ONE, name=b"c")), "overlap, or bytes between"),
        (framed_zip(replace(ONE, after=b"\0"), TWO), "overlap, or bytes between"),
        (framed_zip(ONE, gap=b"gap"), "between its last entry and its directory"),
        (framed_zip(ONE, tail=b"x"), "directory that does not stand right before"),
        (b"#!" + framed_zip(ONE), "not stand right before"),
        (framed_zip(ONE) + b"x", "cut short|behind its end"),
        (framed_zip(ONE, comment=b"note"), "comment"),
        (framed_zip(ONE)[:-1], "cut short"),
        (framed_zip(replace(ONE, comment=b"note")), "comment in its directory"),
        (framed_zip(ONE, TWO, count=1), "more in its directory"),
        (framed_zip(ONE, count=2), "not well-formed"),
        (framed_zip(ONE, replace(ONE, name=b"b", listed={"offset": 0})), "overlap"),
        (framed_zip(replace(ONE, listed={"name": b"z.txt"})), "contradict"),
        (framed_zip(replace(ONE, listed={"crc": 1})), "contradict"),
        (framed_zip(replace(ONE, listed={"method": 8})), "contradict"),
        (framed_zip(replace(ONE, listed={"flags": 2})), "contradict"),
        (framed_zip(replace(ONE, listed={"size": 4})), "contradict"),
        (framed_zip(replace(ONE, listed={"packed": 4}), TWO), "contradict"),
        (framed_zip(replace(ONE, listed={"disk": 1})), "not well-formed"),
        (framed_zip(replace(ONE, flags=0x8)), "data descriptor"),
        (framed_zip(replace(ONE, flags=0x1)), "encrypted"),
        (framed_zip(replace(ONE, flags=0x20)), "feature"),
        (framed_zip(replace(ONE, name=b"\xff")), "neither ASCII nor"),
        (framed_zip(replace(ONE, name=b"\xff", flags=0x800)), "neither ASCII nor"),
        (framed_zip(replace(ONE, extra=b"\1\0\x08\0" + bytes(8))), "ZIP64 field that does not belong"),
        (framed_zip(replace(ONE, listed_extra=b"\1\0\x08\0" + bytes(8))), "ZIP64 field that does not belong"),
        (framed_zip(replace(ONE, extra=b"\1\0\0\0" * 2)), "stands twice"),
        (framed_zip(replace(ONE, extra=b"\1")), "not well-formed"),
        (framed_zip(replace(ONE, extra=b"\x99\x99\xff\0x")), "not well-formed"),
        (framed_zip(replace(ONE, extra=b"up\6\0\1\0\0\0\0z")), "two names"),
        (framed_zip(), "empty"),
        (b"", "too short"),
        (b"PK\5\6" + bytes(18), "empty"),
    ],
)
def test_what_readers_could_see_differently_is_refused(content: bytes, says: str) -> None:
    assert re.search(says, fault(content)), fault(content)


def test_an_entry_behind_the_end_of_compressed_data_is_found() -> None:
    deflating = zlib.compressobj(wbits=-15)
    packed = deflating.compress(b"hello") + deflating.flush() + framed_zip(TWO)[:60]
    crc = zlib.crc32(b"hello")
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(packed), 5, 1, 0) + b"a" + packed
    line = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(packed), 5, 1, 0, 0, 0, 0, 0, 0
    )  # fmt: skip
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(line) + 1, len(head), 0)
    assert "behind the end of an entry's compressed data" in fault(head + line + b"a" + end)


def test_no_more_comes_out_than_was_declared() -> None:
    part = Part(content=b"0" * 1_000_000, method=8)
    sound = framed_zip(part)
    lying = sound.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10))
    assert "size and checksum" in fault(lying)
    assert "size and checksum" in fault(framed_zip(ONE).replace(b"hello", b"hallo"))


def test_zip64_is_read_and_must_be_used_for_what_it_is_for() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("big", "w", force_zip64=True) as member:
        member.write(b"hello")
    sound = buffer.getvalue()
    assert names(sound) == ["big"]
    # The two sizes in the field: another there than in the directory.
    at = sound.index(struct.pack("<QQ", 5, 5))
    assert "contradict" in fault(sound[:at] + struct.pack("<QQ", 6, 5) + sound[at + 16 :])


def test_a_zip64_end_must_say_what_the_other_end_says() -> None:
    plain = framed_zip(ONE)
    at = plain.index(b"PK\5\6")
    start, size = plain.index(b"PK\1\2"), at - plain.index(b"PK\1\2")

    def framed(*, count: int = 1, length: int = 44, where: int = at, disks: int = 1) -> bytes:
        end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", length, 45, 45, 0, 0, count, count, size, start)
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, where, disks)
        return plain[:at] + end64 + locator + plain[at:]

    assert names(framed()) == ["a.txt"]
    full = framed().replace(
        plain[at:], struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    )
    assert names(full) == ["a.txt"]
    assert "contradict" in fault(framed(count=2))
    assert "ZIP64 end" in fault(framed(length=60))
    assert "locator" in fault(framed(where=0))
    assert "locator" in fault(framed(disks=2))


def test_a_count_beyond_reason_is_refused_before_anything_is_read() -> None:
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 2**40, 2**40, 0, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 65535, 65535, 0, 0, 0)
    assert "more than" in fault(end64 + locator + end)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (replace(ONE, external=0o120777 << 16), "a link"),
        (replace(ONE, external=0o020666 << 16), "a link, a device"),
        (replace(ONE, external=0o040755 << 16), "called a file"),
        (replace(ONE, name=b"d/", content=b"x"), "called a directory"),
        (replace(ONE, name=b"d/", content=b"", external=0o100644 << 16), "called a directory"),
        (replace(ONE, method=12), "neither stored nor deflated"),
    ],
)
def test_an_entry_is_a_plain_file_or_a_plain_directory(part: Part, says: str) -> None:
    entry = read_entries(io.BytesIO(framed_zip(part)))[0]
    assert says in str(zips.kind_fault(entry))


def test_plain_files_and_directories_of_unix_and_of_elsewhere_pass() -> None:
    for part in (ONE, replace(ONE, external=0o100755 << 16), Part(name=b"d/", content=b"", external=0o040755 << 16)):
        assert zips.kind_fault(read_entries(io.BytesIO(framed_zip(part)))[0]) is None


def faults(path: str) -> str:
    with pytest.raises(BadArchive) as caught:
        check(path, "bdist_wheel", "Hello.World", "1.0")
    return " ".join(caught.value.faults)


def test_a_wheel_that_is_a_tar_as_well_is_refused(build: Any) -> None:
    with open(build.wheel(compression=zipfile.ZIP_STORED), "rb") as file:
        sound = bytearray(file.read())
    # The checksum of a tar header, written into the first member's content.
    sound[148:156] = b"        "
    total = sum(sound[:512])
    sound[148:156] = b"%06o\0 " % total
    assert "tar file as well" in faults(build.file(bytes(sound)))


@pytest.mark.parametrize(
    "twin", ["METADATA.", "metadata", "Metadata", "METADATA:stream", "METADATA ", "RECORD"],
)  # fmt: skip
def test_what_some_file_systems_take_for_metadata_is_refused(build: Any, twin: str) -> None:
    name = "record" if twin == "RECORD" else twin
    assert "the same to some file systems" in faults(build.wheel(files={f"{build.info}/{name}": b"x"}))


def test_another_spelling_of_the_dist_info_is_another_one(build: Any) -> None:
    assert ".dist-info directories" in faults(build.wheel(files={"HELLO_WORLD-1.0.DIST-INFO/x": b""})) + faults(
        build.wheel(files={"other-1.0.dist-info /x": b""})
    )


def test_headers_of_linux_may_differ_in_case(build: Any) -> None:
    check(build.wheel(files={"net/xt_MARK.h": b"1", "net/xt_mark.h": b"2"}), "bdist_wheel", "Hello.World", "1.0")


def test_composed_and_decomposed_letters_are_one_name(build: Any) -> None:
    assert "more than once" in faults(build.wheel(files={"caf\u00e9.py": b"1", "cafe\u0301.py": b"2"}))
