# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Macaroons: a token, and every restriction put upon it, in one chain of HMACs.

The wire form is libmacaroons' version 2 (its ``doc/format.txt``), the same that PyPI's tokens have; the cryptography
is that of the paper (Birgisson et al., NDSS 2014, section IV) with first-party caveats only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace

from trustpub.secret import Secret

PREFIX = "pypi-"
"""What secret scanners look for (https://pypi.org/help, "API tokens"); clients pass it on unread."""

MAX_TOKEN_CHARS = 16 * 1024
"""A token of a publisher with 250 projects has about 13,000 characters."""

_VERSION = 2
_EOS, _LOCATION, _IDENTIFIER, _SIGNATURE = 0, 1, 2, 6
_KEY_GENERATOR = b"macaroons-key-generator"


class BadMacaroon(ValueError):
    """Not a token of this form. The message never holds any of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Macaroon:
    """A token taken apart. It proves nothing until :meth:`signed_by` says so."""

    location: str
    """Host name of the index that made it: a hint for people, not signed."""
    identifier: str
    """UUID text of the token's row."""
    caveats: tuple[bytes, ...]
    signature: bytes

    def signed_by(self, root_key: bytes) -> bool:
        """Whether the chain of HMACs begins at ``root_key``; compared in constant time."""
        return hmac.compare_digest(_signature(root_key, self.identifier, self.caveats), self.signature)

    def restrict(self, caveat: bytes) -> Macaroon:
        """The same token with one more caveat. Anybody who holds a token can do this."""
        return replace(
            self,
            caveats=(*self.caveats, caveat),
            signature=hmac.digest(self.signature, caveat, hashlib.sha256),
        )

    def serialize(self) -> Secret:
        """``pypi-`` and the URL-safe base64 of the binary form, without padding."""
        out = bytearray([_VERSION])
        out += _field(_LOCATION, self.location.encode()) + _field(_IDENTIFIER, self.identifier.encode())
        out.append(_EOS)
        for caveat in self.caveats:
            out += _field(_IDENTIFIER, caveat)
            out.append(_EOS)
        out.append(_EOS)
        out += _field(_SIGNATURE, self.signature)
        return Secret(PREFIX + base64.urlsafe_b64encode(bytes(out)).decode().rstrip("="))

    def __repr__(self) -> str:
        # The signature with the rest beside it *is* the token.
        return f"Macaroon(identifier={self.identifier!r}, caveats={len(self.caveats)})"


def create(*, location: str, identifier: str, root_key: bytes, caveats: tuple[bytes, ...]) -> Macaroon:
    """A new token, signed."""
    signature = _signature(root_key, identifier, caveats)
    return Macaroon(location=location, identifier=identifier, caveats=caveats, signature=signature)


def parse(token: Secret) -> Macaroon:
    """Take a token apart.

    Raises:
        BadMacaroon: it is not one, or has a third-party caveat, which this index never makes.
    """
    text = token.reveal()
    if len(text) > MAX_TOKEN_CHARS or not text.startswith(PREFIX):
        raise BadMacaroon("not a token of this form")
    body = text[len(PREFIX) :].rstrip("=")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        return _read(_Reader(data))
    except ValueError:  # binascii.Error and UnicodeDecodeError are ValueErrors
        raise BadMacaroon("not a token of this form") from None


def _signature(root_key: bytes, identifier: str, caveats: tuple[bytes, ...]) -> bytes:
    key = hmac.digest(_KEY_GENERATOR, root_key, hashlib.sha256)
    signature = hmac.digest(key, identifier.encode(), hashlib.sha256)
    for caveat in caveats:
        signature = hmac.digest(signature, caveat, hashlib.sha256)
    return signature


def _read(reader: _Reader) -> Macaroon:
    if reader.byte() != _VERSION:
        raise ValueError
    location = reader.field(_LOCATION).decode() if reader.next_is(_LOCATION) else ""
    identifier = reader.field(_IDENTIFIER).decode()
    reader.field(_EOS)
    caveats = []
    while not reader.next_is(_EOS):
        if reader.next_is(_LOCATION):
            reader.field(_LOCATION)
        caveats.append(reader.field(_IDENTIFIER))
        reader.field(_EOS)  # a verification id here would make it a third party's caveat
    reader.field(_EOS)
    signature = reader.field(_SIGNATURE)
    if len(signature) != hashlib.sha256().digest_size or reader.left():
        raise ValueError
    return Macaroon(location=location, identifier=identifier, caveats=tuple(caveats), signature=signature)


class _Reader:
    """Fields of ``type varint, length varint, bytes``; an end of section has its type alone."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        if not self.left():
            raise ValueError
        self._at += 1
        return self._data[self._at - 1]

    def next_is(self, kind: int) -> bool:
        return bool(self.left()) and self._data[self._at] == kind

    def field(self, kind: int) -> bytes:
        if self.byte() != kind:
            raise ValueError
        if kind == _EOS:
            return b""
        length = self._varint()
        if length > self.left():
            raise ValueError
        self._at += length
        return self._data[self._at - length : self._at]

    def _varint(self) -> int:
        value = 0
        for shift in (0, 7, 14):  # 2 MiB is far beyond MAX_TOKEN_CHARS
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError


def _field(kind: int, data: bytes) -> bytes:
    out = bytearray([kind])
    length = len(data)
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out) + data
