# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Source distributions that two readers would see differently, byte by byte."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from typing import Any

import pytest

from trustpub.packages.archives import BadArchive, check, read
from trustpub.packages.metadata import BadMetadata
from trustpub.packages.tars import BadTar, Tar
from trustpub.packages.unpacking import BadGzip, Gzip, TooMuch

TOP = "hello_world-1.0"
INFO = b"Metadata-Version: 2.4\nName: Hello.World\nVersion: 1.0\n"


def block(name: str, size: int = 0, kind: bytes = b"0", target: str = "", **raw: bytes) -> bytes:
    """A header with its checksum; ``raw`` puts bytes at an offset, given as ``at_156``."""
    header = bytearray(512)
    header[: len(name)] = name.encode()
    header[100:108], header[108:116], header[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    header[124:136], header[136:148] = b"%011o\0" % size, b"00000000000\0"
    header[156:157], header[157 : 157 + len(target)] = kind, target.encode()
    header[257:265] = b"ustar\x0000"
    for where, value in raw.items():
        at = int(where.removeprefix("at_"))
        header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def member(name: str, content: bytes = b"", kind: bytes = b"0", **raw: bytes) -> bytes:
    return block(name, len(content), kind, "", **raw) + content + bytes(-len(content) % 512)


def pax(**records: str) -> bytes:
    content = b""
    for key, value in records.items():
        rest = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(rest) + len(str(len(rest) + 1))
        length = len(rest) + len(str(length))
        content += str(length).encode() + rest
    return content


PKG_INFO = member(f"{TOP}/PKG-INFO", INFO)
END = bytes(1024)


def packed(*members: bytes, end: bytes = END) -> bytes:
    return gzip.compress(b"".join((PKG_INFO, *members, end)))


def faults(build: Any, content: bytes) -> str:
    with pytest.raises(BadArchive) as caught:
        check(build.file(content), "sdist", "Hello.World", "1.0")
    assert all(fault.endswith(".") for fault in caught.value.faults)
    return " ".join(caught.value.faults)


@pytest.mark.parametrize(
    "members",
    [
        [],
        [member(f"{TOP}/", kind=b"5"), member(f"{TOP}/setup.py", b"x")],
        [member("short", pax(path=f"{TOP}/" + "long" * 60 + "é"), b"x"), member(f"{TOP}/longlong", b"x")],
        [member("pax_global_header", pax(comment="f" * 40), b"g"), member(f"{TOP}/a", b"x")],
        [member("././@LongLink", f"{TOP}/{'n' * 150}\0".encode(), b"L"), member(f"{TOP}/n", b"x")],
        [block(f"{TOP}/here", kind=b"2", target="PKG-INFO"), block(f"{TOP}/too", kind=b"1", target=f"{TOP}/PKG-INFO")],
        [member("x", pax(mtime="1.5", uname="me"), b"x"), member(f"{TOP}/a", b"x", at_257=b"ustar  \0")],
        [member("a", b"x", at_345=TOP.encode())],
    ],
)
def test_every_form_that_tools_write_is_read(build: Any, members: Sequence[bytes]) -> None:
    content = packed(*members)
    check(build.file(content), "sdist", "Hello.World", "1.0")
    inside, found = read(build.file(content), "sdist", "hello-world", "1.0")
    assert (inside.name, found) == ("Hello.World", ())


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_what_python_writes_is_read_alike(form: int) -> None:
    buffer = io.BytesIO()
    wanted = [(f"{TOP}/{'d' * 60}/{'f' * 60}", b"1" * 700), (f"{TOP}/b", b""), (f"{TOP}/c", b"2" * 512)]
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form) as archive:
        for name, content in wanted:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    tar = Tar(Gzip(io.BytesIO(buffer.getvalue()), 10**6))
    assert [(one.path, tar.read(one, 1000)) for one in tar] == wanted


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (packed(member(f"{TOP}/s", kind=b"S")), "sparse"),
        (packed(member("x", pax(GNU__sparse__major="1"), b"x"), member(f"{TOP}/s")), "sparse"),
        (packed(member(f"{TOP}/c", kind=b"3")), "neither a file nor"),
        (packed(member(f"{TOP}/f", kind=b"6")), "neither a file nor"),
        (packed(member(f"{TOP}/v", kind=b"V")), "neither a file nor"),
        (packed(member("x", pax(size="0"), b"x"), member(f"{TOP}/a", b"evil")), "two sizes"),
        (packed(member("x", pax(size="-1"), b"x"), member(f"{TOP}/a", b"evil")), "no proper size"),
        (packed(member("x", pax(size="9" * 30), b"x"), member(f"{TOP}/a", b"evil")), "no proper size"),
        (packed(member("g", pax(path=f"{TOP}/x"), b"g"), member(f"{TOP}/a")), "for all entries"),
        (packed(member("g", pax(size="1"), b"g"), member(f"{TOP}/a")), "for all entries"),
        (packed(member("x", pax(path="a"), b"x"), member("x", pax(path="b"), b"x"), member("c")), "two of a kind"),
        (packed(member("x", pax(path="a"), b"x"), member("L", b"b\0", b"L"), member("c")), "two values for path"),
        (packed(member("x", b"5 path=x\n", b"x"), member("c")), "not well-formed"),
        (packed(member("x", b"999999 path=x\n", b"x"), member("c")), "not well-formed"),
        (packed(member("x", b"nonsense", b"x"), member("c")), "not well-formed"),
        (packed(member("x", pax(hdrcharset="BINARY"), b"x"), member("c")), "not UTF-8"),
        (packed(member("x", pax(path="a"), b"x")), "ends behind an extended header"),
        (packed(block("x", 2**21, b"x")), "too large"),
        (packed(member(f"{TOP}/d", b"content", b"5")), "has content"),
        (packed(member(f"{TOP}/l", b"content", b"2")), "has content"),
        (packed(member(f"{TOP}/d/", b"content")), "called a directory"),
        (packed(member(f"{TOP}/a", at_0=b"\xff")), "not UTF-8"),
        (packed(member(f"{TOP}/a", at_124=b"\xff" * 12)), "number"),
        (packed(member(f"{TOP}/a", at_124=b"12345678901x")), "number"),
        (packed(member(f"{TOP}/a").replace(b"ustar", b"xstar")), "damaged"),
        (packed(end=bytes(512) + member(f"{TOP}/hidden", b"x") + END), "behind its end"),
        (packed(end=END + b"x"), "behind its end"),
        (packed(end=b""), "cut short"),
        (packed(block(f"{TOP}/a", 2**40), end=b""), "cut short"),
        (packed() + packed(), "behind the end of its gzip data"),
        (packed() + b"\0", "behind the end of its gzip data"),
        (packed()[:-1], "cut short"),
        (packed()[:-8] + bytes(8), "damaged"),
    ],
)
def test_what_readers_could_see_differently_is_refused(build: Any, content: bytes, says: str) -> None:
    said = faults(build, content)
    assert says in said
    with pytest.raises((BadArchive, BadMetadata)):
        read(build.file(content), "sdist", "Hello.World", "1.0")


@pytest.mark.parametrize(
    ("path", "target", "kind"),
    [
        ("d/l", "../../x", b"2"), ("l", "..", b"2"), ("l", "/etc/passwd", b"2"), ("l", "", b"2"), ("l", "a\\b", b"2"),
        # Textually inside; but if "a" is a link to somewhere deeper, its ".." is not where the text says.
        ("l", "a/../b", b"2"), ("l", "a/../../x", b"2"),
        ("l", "etc/passwd", b"1"), ("l", f"{TOP}/gone", b"1"), ("l", f"../{TOP}/PKG-INFO", b"1"),
    ],
)  # fmt: skip
def test_a_link_leads_to_a_place_inside(build: Any, path: str, target: str, kind: bytes) -> None:
    assert "outside" in faults(build, packed(block(f"{TOP}/{path}", kind=kind, target=target)))


def test_pkg_info_is_a_file_and_stands_once(build: Any) -> None:
    link = gzip.compress(member(f"{TOP}/real", INFO) + block(f"{TOP}/PKG-INFO", kind=b"1", target=f"{TOP}/real") + END)
    assert "must be a file" in faults(build, link)
    assert "more than once" in faults(build, packed(PKG_INFO))
    for twin in ("pkg-info", "PKG-INFO.", "Pyproject.toml"):
        more = packed(member(f"{TOP}/{twin}", b"x"), member(f"{TOP}/pyproject.toml", b"y"))
        assert "the same to some file systems" in faults(build, more)


def test_a_gzip_bomb_stops_at_its_limit() -> None:
    bomb = gzip.compress(bytes(10**7))
    stream = Gzip(io.BytesIO(bomb), 10**6)
    with pytest.raises(TooMuch):
        stream.skip(10**7)
    with pytest.raises(BadGzip):
        Gzip(io.BytesIO(b"nonsense"), 10).read(1)
    with pytest.raises(BadTar):
        next(iter(Tar(Gzip(io.BytesIO(gzip.compress(b"no tar" * 1000)), 10**6))))
