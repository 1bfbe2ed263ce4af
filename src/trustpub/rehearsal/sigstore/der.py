# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The little of DER (ITU-T X.690) that a local Sigstore writes and reads by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN, INTEGER, OCTET_STRING, OBJECT_ID = 0x01, 0x02, 0x04, 0x06
UTF8_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x17, 0x18, 0x30, 0x31
_LONG = 0x80


class BadDer(ValueError):
    """Bytes that are no DER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One value."""

    tag: int
    content: bytes
    whole: bytes
    """With tag and length."""


def tagged(tag: int, *contents: bytes) -> bytes:
    """``contents``, one after another, as one value."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(octets)]) + octets + content


def sequence(*contents: bytes) -> bytes:
    """A SEQUENCE of values."""
    return tagged(SEQUENCE, *contents)


def integer(value: int) -> bytes:
    """A number that is not negative."""
    return tagged(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def object_id(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER, from ``1.2.840…``."""
    first, second, *others = (int(part) for part in dotted.split("."))
    content = b"".join(_base128(value) for value in (40 * first + second, *others))
    return tagged(OBJECT_ID, content)


def _base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(_LONG | value & 0x7F)
    return bytes(reversed(digits))


def read(encoded: bytes) -> Item:
    """The one value that ``encoded`` is.

    Raises:
        BadDer: it is none, or more than one.
    """
    (item,) = found if len(found := list(items(encoded))) == 1 else (None,)
    if item is None:
        raise BadDer("not one value")
    return item


def items(encoded: bytes) -> Iterator[Item]:
    """The values in ``encoded``, one after another.

    Raises:
        BadDer: it is cut off.
    """
    at = 0
    while at < len(encoded):
        start, (size, at) = at, _size(encoded, at + 1)
        end = at + size
        if end > len(encoded):
            raise BadDer("cut off")
        yield Item(tag=encoded[start], content=encoded[at:end], whole=encoded[start:end])
        at = end


def _size(encoded: bytes, at: int) -> tuple[int, int]:
    """The length that stands at ``at``, and where its content begins."""
    octets = encoded[at : at + 1]
    if not octets:
        raise BadDer("cut off")
    if octets[0] < _LONG:
        return octets[0], at + 1
    begin, end = at + 1, at + 1 + (octets[0] & 0x7F)
    if begin == end or end > len(encoded):
        raise BadDer("cut off")
    return int.from_bytes(encoded[begin:end], "big"), end
