# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Core metadata as it stands in a distribution (packaging.python.org, core metadata 1.0 to 2.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import Parser
from types import MappingProxyType

from packaging.version import Version

from trustpub.packages import headers
from trustpub.packages.entries import MAX_METADATA_BYTES
from trustpub.packages.tars import FILE, BadTar, Tar
from trustpub.packages.unpacking import BadGzip, Gzip, TooMuch, allowance, size_of
from trustpub.packages.wheels import Wheel, open_wheel
from trustpub.packages.zips import BadZip

VERSIONS = headers.VERSIONS
"""Metadata versions that are understood here."""

_BODY = re.compile(r"\r?\n\r?\n")
_MAX_HEADER_CHARACTERS = 1024 * 1024
"""Of all headers; a description belongs into the body, and is not parsed."""


class BadMetadata(ValueError):
    """No usable core metadata. The message is a sentence, or several: all that was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The core metadata of one distribution."""

    raw: bytes
    """METADATA or PKG-INFO, byte for byte."""
    name: str
    """As it spells it; valid."""
    version: str
    """As it spells it; parseable (PEP 440)."""
    fields: Mapping[str, tuple[str, ...]]
    """By header name in lower case, such as ``requires-python``, in the file's order. Empty values and ``UNKNOWN``,
    as old tools write for nothing, are left out. ``description`` holds the body where the header is not used."""

    def one(self, field: str) -> str | None:
        """The first value of ``field``."""
        return next(iter(self.fields.get(field, ())), None)

    @property
    def licenses(self) -> tuple[str, ...]:
        """License files that must be in the distribution (PEP 639); before 2.4 nothing said where they are."""
        since = Version(self.one("metadata-version") or "0") >= Version("2.4")
        return self.fields.get("license-file", ()) if since else ()


def read(path: str, filetype: str) -> Metadata:
    """The metadata inside the ``sdist`` or ``bdist_wheel`` at ``path``. The file's name is not looked at.

    Raises:
        BadMetadata: it is no such archive, has none or several, or they are not well-formed.
    """
    return parse(_from_wheel(path) if filetype == "bdist_wheel" else _from_sdist(path))


def parse(raw: bytes) -> Metadata:
    """Read METADATA or PKG-INFO.

    Raises:
        BadMetadata: as for :func:`read`.
    """
    if len(raw) > MAX_METADATA_BYTES:
        raise _TOO_LARGE
    fields = _fields(raw)
    faults = headers.faults(fields)
    if faults:
        raise BadMetadata(" ".join(f"The metadata {fault}." for fault in faults))
    return Metadata(raw=raw, name=fields["name"][0], version=fields["version"][0], fields=MappingProxyType(fields))


_TOO_LARGE = BadMetadata(f"The metadata are larger than {MAX_METADATA_BYTES} bytes.")


def _fields(raw: bytes) -> dict[str, tuple[str, ...]]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadMetadata("The metadata are not UTF-8.") from None
    # A description may be megabytes, and the parser makes an object of each of its lines.
    split = _BODY.search(text)
    head, body = (text[: split.end()], text[split.end() :]) if split else (text, "")
    if len(head) > _MAX_HEADER_CHARACTERS:
        raise BadMetadata(f"The metadata's headers are longer than {_MAX_HEADER_CHARACTERS} characters.")
    message = Parser().parsestr(head)
    fields: dict[str, tuple[str, ...]] = {}
    for header, value in message.items():
        text = str(value).strip()
        if text and (text != "UNKNOWN" or header.lower() == "name"):
            fields[header.lower()] = (*fields.get(header.lower(), ()), text)
    rest = message.get_payload()
    if not isinstance(rest, str):
        raise BadMetadata("The metadata have a body of several parts.")
    body = rest + body
    if body.strip():
        if "description" in fields:
            raise BadMetadata("The metadata have a description both as a header and as the body.")
        fields["description"] = (body,)
    return fields


def _from_wheel(path: str) -> bytes:
    try:
        with open_wheel(path) as file:
            return of_wheel(Wheel(file))
    except BadZip as bad:
        raise BadMetadata(f"The wheel's zip file {bad}.") from None


def of_wheel(wheel: Wheel) -> bytes:
    """METADATA in an open wheel, byte for byte.

    Raises:
        BadMetadata: it has none, several, or too large a one.
        BadZip: it is damaged.
    """
    found = [one for one in wheel.by_name if one.endswith(".dist-info/METADATA") and one.count("/") == 1]
    if len(found) != 1:
        raise BadMetadata(f"The wheel has {len(found)} files *.dist-info/METADATA; it must have one.")
    raw = wheel.read(found[0], MAX_METADATA_BYTES)
    if raw is None:
        raise _TOO_LARGE
    return raw


def _from_sdist(path: str) -> bytes:
    try:
        with open(path, "rb") as packed:
            return _pkg_info(Tar(Gzip(packed, allowance(size_of(packed)))))
    except (BadTar, BadGzip, TooMuch) as bad:
        raise BadMetadata(f"The source distribution {bad}.") from None


def _pkg_info(archive: Tar) -> bytes:
    raw: bytes | None = None
    for member in archive:
        if member.path.endswith("/PKG-INFO") and member.path.count("/") == 1:
            if raw is not None:
                raise BadMetadata("The source distribution has more than one PKG-INFO at its top.")
            if member.kind != FILE:
                raise BadMetadata("The source distribution's PKG-INFO is not a file.")
            raw = archive.read(member, MAX_METADATA_BYTES)
            if raw is None:
                raise _TOO_LARGE
    if raw is None:
        raise BadMetadata("The source distribution has no PKG-INFO in its top directory.")
    return raw
