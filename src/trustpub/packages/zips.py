# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A zip file that is the same to every reader (PKWARE's APPNOTE 6.3.10).

Some readers find the entries by the directory at the end, others take them one after the other from the start; some
believe the header of an entry, others its line in the directory. What is taken here leaves no room for that: entries,
directory and end stand one behind the other without a gap, and say the same.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from trustpub.packages.entries import MAX_ENTRIES

CHUNK = 256 * 1024

STORED, DEFLATED = 0, 8

_LOCAL = struct.Struct("<4sHHHHHIIIHH")  # section 4.3.7
_LISTED = struct.Struct("<4sHHHHHHIIIHHHHHII")  # 4.3.12
_END64 = struct.Struct("<4sQHHIIQQQQ")  # 4.3.14
_LOCATOR = struct.Struct("<4sIQI")  # 4.3.15
_END = struct.Struct("<4sHHHHIIH")  # 4.3.16
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
"""In a field: look for the number in a ZIP64 record."""

_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x1, 0x8, 0x800
_HARMLESS = 0x6 | _UTF8
"""How well it was compressed, and how its name is written (4.4.4)."""
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075

_FILE_KINDS = 0o170000
_REGULAR, _FOLDER = 0o100000, 0o040000


class BadZip(ValueError):
    """Not a zip file, or one that two readers may see differently. The message is the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, as its header and the directory say alike."""

    name: str
    """With a slash at the end if it is a directory."""
    method: int
    """:data:`STORED` or :data:`DEFLATED`, or one that is not read here."""
    crc: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes once unpacked."""
    start: int
    """Where its bytes begin."""
    kind: int
    """The Unix kind of file it is unpacked to, 0 where none is given."""

    @property
    def directory(self) -> bool:
        """Whether its name is that of a directory."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """An entry as the directory has it."""

    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    kind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    start: int
    size: int
    count: int


def read_entries(file: IO[bytes]) -> list[Entry]:
    """All entries, in the order in which they lie in the file.

    Raises:
        BadZip: its framing is not whole, or holds more than the entries that the directory lists.
    """
    directory = _read_end(file)
    lines = sorted(_read_lines(file, directory), key=lambda line: line.offset)
    entries = []
    at = 0
    for line in lines:
        if line.offset != at:
            raise BadZip("has entries that overlap, or bytes between them that the directory does not list")
        entry = _read_local(file, line)
        at = entry.start + entry.packed
        entries.append(entry)
    if at != directory.start:
        raise BadZip("has bytes between its last entry and its directory")
    if not entries:
        raise BadZip("is empty")
    return entries


def unpack(file: IO[bytes], entry: Entry) -> Iterator[bytes]:
    """The bytes of an entry, never more than it declares, and all of them proven by its checksum at the end.

    Raises:
        BadZip: they are not what the entry declares.
    """
    file.seek(entry.start)
    chunks = _inflated(file, entry.packed) if entry.method == DEFLATED else _stored(file, entry.packed)
    size = crc = 0
    for chunk in chunks:
        size += len(chunk)
        if size > entry.size:
            break
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if size != entry.size or crc != entry.crc:
        raise BadZip(f"is damaged: the entry {entry.name!r} does not have the size and checksum that it declares")


def _stored(file: IO[bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (chunk := file.read(min(left, CHUNK))):
        left -= len(chunk)
        yield chunk


def _inflated(file: IO[bytes], left: int) -> Iterator[bytes]:
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _stored(file, left):
            while packed:
                if chunk := inflating.decompress(packed, CHUNK):
                    yield chunk
                packed = inflating.unconsumed_tail
            if inflating.unused_data:
                raise BadZip("has bytes behind the end of an entry's compressed data")
        while not inflating.eof and (chunk := inflating.decompress(b"", CHUNK)):
            yield chunk
    except zlib.error:
        raise BadZip("is damaged: an entry cannot be inflated") from None
    if not inflating.eof:
        raise BadZip("is damaged: an entry's compressed data end too soon")


def _read_end(file: IO[bytes]) -> _Directory:
    size = file.seek(0, 2)
    if size < _END.size:
        raise BadZip("is too short")
    at = size - _END.size
    file.seek(at)
    signature, disk, disk_of_directory, here, count, length, start, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\5\6" or comment != 0:
        raise BadZip("is cut short, or has a comment or other bytes behind its end")
    found = _Directory(start=start, size=length, count=count)
    located = _locate(file, at)
    if located is not None:
        at, found = located, _read_end64(file, located)
    claimed = ((here, found.count), (count, found.count), (disk, 0), (disk_of_directory, 0))
    wide = ((length, found.size), (start, found.start))
    full = located is not None
    if any(one != two and not (full and one == _FULL16) for one, two in claimed) or any(
        one != two and not (full and one == _FULL32) for one, two in wide
    ):
        raise BadZip("has two ends that contradict each other, or is one of several volumes")
    if found.start + found.size != at:
        raise BadZip("has a directory that does not stand right before its end")
    if found.count > MAX_ENTRIES:
        raise BadZip(f"has more than {MAX_ENTRIES} entries")
    return found


def _locate(file: IO[bytes], end: int) -> int | None:
    """Where the ZIP64 end is; None if there is none."""
    if end < _LOCATOR.size:
        return None
    file.seek(end - _LOCATOR.size)
    signature, disk, at, disks = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if signature != b"PK\6\7":
        return None
    if disk != 0 or disks > 1 or at + _END64.size + _LOCATOR.size != end:
        raise BadZip("has a ZIP64 locator that does not lead to the ZIP64 end right before it")
    return int(at)


def _read_end64(file: IO[bytes], at: int) -> _Directory:
    file.seek(at)
    signature, length, _, _, disk, disk_of_directory, here, count, size, start = _END64.unpack(file.read(_END64.size))
    if signature != b"PK\6\6" or length != _END64.size - 12 or disk or disk_of_directory or here != count:
        raise BadZip("has a ZIP64 end that is not well-formed")
    return _Directory(start=start, size=size, count=count)


def _read_lines(file: IO[bytes], directory: _Directory) -> Iterator[_Line]:
    file.seek(directory.start)
    left = directory.size
    for _ in range(directory.count):
        line, length = _read_line(file, left)
        left -= length
        yield line
    if left:
        raise BadZip("has more in its directory than the number of entries it gives")


def _read_line(file: IO[bytes], left: int) -> tuple[_Line, int]:
    head = file.read(_LISTED.size) if left >= _LISTED.size else b""
    if len(head) < _LISTED.size or head[:4] != b"PK\1\2":
        raise BadZip("has a directory that is not well-formed")
    (
        _, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, disk, _, external, offset,
    ) = _LISTED.unpack(head)  # fmt: skip
    length = _LISTED.size + name_size + extra_size
    if comment_size or disk or length > left:
        raise BadZip("has a comment in its directory, or a directory that is not well-formed")
    raw = file.read(name_size)
    extras = _read_extras(file.read(extra_size), raw)
    size, packed, offset = _widen(extras, size, packed, offset)
    return (
        _Line(
            raw=raw,
            flags=flags,
            method=method,
            crc=crc,
            packed=packed,
            size=size,
            offset=offset,
            kind=(external >> 16) & _FILE_KINDS,
        ),
        length,
    )


def _read_local(file: IO[bytes], line: _Line) -> Entry:
    file.seek(line.offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        raise BadZip("lists an entry where there is none")
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack(head)
    raw = file.read(name_size)
    extras = _read_extras(file.read(extra_size), raw)
    _check_flags(flags)
    size, packed = _widen(extras, size, packed)
    told = (raw, flags, method, crc, packed, size)
    if told != (line.raw, line.flags, line.method, line.crc, line.packed, line.size):
        raise BadZip("has an entry whose header and line in the directory contradict each other")
    return Entry(
        name=_decode(raw, flags),
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        start=line.offset + _LOCAL.size + name_size + extra_size,
        kind=line.kind,
    )


def _check_flags(flags: int) -> None:
    if flags & _ENCRYPTED:
        raise BadZip("has an entry that is encrypted")
    if flags & _DESCRIPTOR:
        raise BadZip("gives the size of an entry behind it instead of before it (a data descriptor)")
    if flags & ~_HARMLESS:
        raise BadZip("has an entry with a feature that wheels do not use")


def _decode(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        raise BadZip("has an entry whose name is neither ASCII nor marked as UTF-8") from None


def _read_extras(raw: bytes, name: bytes) -> Mapping[int, bytes]:
    """Extra fields (4.5). Those that decide what an entry is stand at most once, and say what the header says."""
    extras: dict[int, bytes] = {}
    at = 0
    while at < len(raw):
        if at + 4 > len(raw):
            raise BadZip("has an entry with an extra field that is not well-formed")
        kind, length = struct.unpack_from("<HH", raw, at)
        content = raw[at + 4 : at + 4 + length]
        at += 4 + length
        if len(content) < length or (kind in extras and kind in (_ZIP64, _UNICODE_PATH)):
            raise BadZip("has an entry with an extra field that is not well-formed, or stands twice")
        extras[kind] = content
    if _UNICODE_PATH in extras and extras[_UNICODE_PATH][5:] != name:
        raise BadZip("has an entry with two names")
    return extras


def _widen(extras: Mapping[int, bytes], *fields: int) -> tuple[int, ...]:
    """``fields``, those that are full replaced from the ZIP64 field, which holds exactly these (4.5.3)."""
    full = fields.count(_FULL32)
    wide = extras.get(_ZIP64, b"")
    if len(wide) != 8 * full:
        raise BadZip("has a ZIP64 field that does not belong to its entry")
    numbers = iter(struct.unpack(f"<{full}Q", wide))
    return tuple(next(numbers) if field == _FULL32 else field for field in fields)


def kind_fault(entry: Entry) -> str | None:
    """Why an entry is neither a plain file nor a plain directory, as the end of a sentence; None if it is one."""
    if entry.method not in (STORED, DEFLATED):
        return "is neither stored nor deflated"
    if entry.kind not in (0, _REGULAR, _FOLDER):
        return "is a link, a device or something else that is no file"
    if entry.directory and (entry.size or entry.kind == _REGULAR):
        return "is called a directory, and is a file"
    if not entry.directory and entry.kind == _FOLDER:
        return "is called a file, and is a directory"
    return None
