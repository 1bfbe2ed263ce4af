# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A tar archive that is the same to every reader (POSIX.1-2017 pax, ustar, and GNU's long names).

Readers differ in which of two contradicting headers they believe, in what they skip, and in where they take the end to
be. What is taken here leaves no room for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trustpub.packages.unpacking import Gzip

BLOCK = 512
_MAX_HEADER_BYTES = 1024 * 1024
"""Of the extended header of one member, which is read whole."""
_LARGE = 8**11
"""What an octal size field cannot say; then it is in the extended header alone."""

_OCTAL = re.compile(rb" *([0-7]*)[ \0]*\Z")
_ZERO = bytes(BLOCK)

FILE, DIRECTORY, SYMLINK, HARDLINK = "file", "directory", "symlink", "hardlink"
_KINDS = {b"0": FILE, b"\0": FILE, b"5": DIRECTORY, b"2": SYMLINK, b"1": HARDLINK}
_DECISIVE = ("path", "linkpath", "size", "hdrcharset")
_SPARSE = "GNU.sparse."


class BadTar(ValueError):
    """Not a tar archive, or one that two readers may see differently. The message is the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What one entry says of itself."""

    path: str
    """As it stands there, unsafe paths included; a directory may have a slash at its end."""
    kind: str
    """:data:`FILE`, :data:`DIRECTORY`, :data:`SYMLINK` or :data:`HARDLINK`."""
    target: str
    """Of a link."""
    size: int
    """Bytes of a file, else 0."""


class Tar:
    """The members of an archive, in order, each once.

    Every method raises:
        BadTar: as the module says.
        BadGzip, TooMuch: from the stream.
    """

    def __init__(self, stream: Gzip) -> None:
        self._stream = stream
        self._left = 0

    def __iter__(self) -> Iterator[Member]:
        """Each member; what is not read of its content is passed over."""
        while True:
            self._skip(self._left)
            extended: dict[str, str] = {}
            block = self._extensions(self._block(), extended)
            if block == _ZERO:
                if extended:
                    raise BadTar("ends behind an extended header")
                self._end()
                return
            member = _member(block, extended)
            self._left = _padded(member.size)
            yield member

    def read(self, member: Member, limit: int) -> bytes | None:
        """The content of the member that came last; None if it is larger than ``limit``. Once."""
        if member.size > limit:
            return None
        self._left = 0
        return self._content(member.size)

    def _extensions(self, block: bytes, extended: dict[str, str]) -> bytes:
        """Read what stands before a member's own header, which is returned."""
        seen: set[bytes] = set()
        while block != _ZERO and (kind := block[156:157]) in (b"x", b"g", b"L", b"K"):
            _check_sum(block)
            size = _number(block[124:136])
            if size > _MAX_HEADER_BYTES or kind in seen:
                raise BadTar("has an extended header that is too large, or two of a kind")
            seen.add(kind)
            content = self._content(size)
            if kind == b"g":
                _refuse_decisive(_pax(content))
            elif kind == b"x":
                _add(extended, _pax(content))
            else:
                _add(extended, {"path" if kind == b"L" else "linkpath": _text(content.rstrip(b"\0"))})
            block = self._block()
        return block

    def _block(self) -> bytes:
        block = self._stream.read(BLOCK)
        if len(block) < BLOCK:
            raise BadTar("is cut short")
        return block

    def _content(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._skip(_padded(size) - len(content))
        return content

    def _skip(self, size: int) -> None:
        self._left = 0
        if not self._stream.skip(size):
            raise BadTar("is cut short")

    def _end(self) -> None:
        # Some readers stop at the first block of zeros and some go on behind it.
        while chunk := self._stream.some(BLOCK * 128):
            if chunk.strip(b"\0"):
                raise BadTar("has bytes behind its end")


def looks_like_tar(block: bytes) -> bool:
    """Whether the first 512 bytes of some file are the header of a tar archive's member."""
    if len(block) < BLOCK or block == _ZERO:
        return False
    try:
        _check_sum(block)
    except BadTar:
        return False
    return True


def _member(block: bytes, extended: Mapping[str, str]) -> Member:
    _check_sum(block)
    kind = _KINDS.get(block[156:157])
    path = extended.get("path", _path(block))
    size = _size(_number(block[124:136]), extended)
    if kind is None:
        what = "is a sparse file" if block[156:157] == b"S" else "is neither a file nor a directory nor a link"
        raise BadTar(f"has an entry {path!r} that {what}")
    if any(key.startswith(_SPARSE) for key in extended):
        raise BadTar(f"has an entry {path!r} that is a sparse file")
    if kind != FILE and size:
        raise BadTar(f"has an entry {path!r} that has content, and is no file")
    if kind == FILE and path.endswith("/"):
        raise BadTar(f"has an entry {path!r} that is called a directory, and is a file")
    target = extended.get("linkpath", _text(_until_nul(block[157:257])))
    return Member(path=path, kind=kind, target=target, size=size)


def _size(given: int, extended: Mapping[str, str]) -> int:
    """Who does not know extended headers goes by the field, and would find the next member elsewhere."""
    text = extended.get("size")
    if text is None:
        return given
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise BadTar("has an entry whose extended header gives no proper size")
    if int(text) != given and int(text) < _LARGE:
        raise BadTar("has an entry with two sizes")
    return int(text)


def _path(block: bytes) -> str:
    name, prefix = _until_nul(block[:100]), _until_nul(block[345:500])
    return _text(prefix + b"/" + name if prefix and block[257:263] == b"ustar\0" else name)


def _until_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadTar("has an entry whose name is not UTF-8") from None


def _number(field: bytes) -> int:
    """An octal number, or GNU's big-endian one."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    octal = _OCTAL.match(field)
    if octal is None:
        raise BadTar("has a header with a number that cannot be read")
    return int(octal[1] or b"0", 8)


def _check_sum(block: bytes) -> None:
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _number(block[148:156]):
        raise BadTar("is damaged, or no tar archive")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _pax(content: bytes) -> Mapping[str, str]:
    """The records of an extended header: ``LENGTH KEY=VALUE`` and a line feed each."""
    records: dict[str, str] = {}
    at = 0
    while at < len(content):
        blank = content.find(b" ", at, at + 20)
        digits = content[at:blank] if blank >= 0 else b""
        if not digits.isdigit():
            raise _BAD_PAX
        record, at = content[blank + 1 : at + int(digits)], at + int(digits)
        key, equals, value = record.partition(b"=")
        if at > len(content) or not equals or not value.endswith(b"\n"):
            raise _BAD_PAX
        name = key.decode(errors="replace")
        if name in _DECISIVE or name.startswith(_SPARSE):
            _add(records, {name: _text(value[:-1])})
    if records.get("hdrcharset", "ISO-IR 10646 2000 UTF-8") != "ISO-IR 10646 2000 UTF-8":
        raise BadTar("has an extended header that is not UTF-8")
    records.pop("hdrcharset", None)
    return records


_BAD_PAX = BadTar("has an extended header that is not well-formed")


def _add(extended: dict[str, str], records: Mapping[str, str]) -> None:
    for key, value in records.items():
        if key in extended:
            raise BadTar(f"gives an entry two values for {key}")
        extended[key] = value


def _refuse_decisive(records: Mapping[str, str]) -> None:
    if records:
        raise BadTar("has a header for all entries that changes what they are")
