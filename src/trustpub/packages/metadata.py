# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Core metadata as it stands in a distribution (packaging.python.org, core metadata 1.0 to 2.6)."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.parser import Parser
from types import MappingProxyType

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from trustpub.packages.names import is_valid
from trustpub.packages.unpacking import GZIP_ERRORS, BoundedGzip, TooMuch, allowance, size_of

MAX_METADATA_BYTES = 8 * 1024 * 1024
"""Of METADATA or PKG-INFO, description included."""

VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
"""Metadata versions that are understood here."""

_ONCE = ("metadata-version", "name", "version", "requires-python")
"""Fields on which installers decide; given twice, two readers could see two packages."""


class BadMetadata(ValueError):
    """No usable core metadata. The message is a sentence."""


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
        raise BadMetadata(f"The metadata are larger than {MAX_METADATA_BYTES} bytes.")
    fields = _fields(raw)
    for once in _ONCE:
        if len(fields.get(once, ())) > 1:
            raise BadMetadata(f"The metadata give {once} more than once.")
    version_of_format = _required(fields, "metadata-version")
    if version_of_format not in VERSIONS:
        raise BadMetadata(
            f"The metadata are of version {version_of_format!r}; known are {VERSIONS[0]} to {VERSIONS[-1]}."
        )
    name, version = _required(fields, "name"), _required(fields, "version")
    if not is_valid(name):
        raise BadMetadata(f"The metadata's name {name!r} is not a valid project name.")
    _check_version(version)
    _check_requires_python(fields)
    return Metadata(raw=raw, name=name, version=version, fields=MappingProxyType(fields))


def _fields(raw: bytes) -> dict[str, tuple[str, ...]]:
    try:
        message = Parser(policy=policy.compat32).parsestr(raw.decode())
    except UnicodeDecodeError:
        raise BadMetadata("The metadata are not UTF-8.") from None
    fields: dict[str, tuple[str, ...]] = {}
    for header, value in message.items():
        text = str(value).strip()
        if text and (text != "UNKNOWN" or header.lower() == "name"):
            fields[header.lower()] = (*fields.get(header.lower(), ()), text)
    body = message.get_payload()
    if not isinstance(body, str):
        raise BadMetadata("The metadata have a body of several parts.")
    if body.strip():
        if "description" in fields:
            raise BadMetadata("The metadata have a description both as a header and as the body.")
        fields["description"] = (body,)
    return fields


def _required(fields: Mapping[str, tuple[str, ...]], name: str) -> str:
    if name not in fields:
        raise BadMetadata(f"The metadata have no {name}.")
    return fields[name][0]


def _check_version(version: str) -> None:
    try:
        Version(version)
    except InvalidVersion:
        raise BadMetadata(f"The metadata's version {version!r} is not a version (PEP 440).") from None


def _check_requires_python(fields: Mapping[str, tuple[str, ...]]) -> None:
    for value in fields.get("requires-python", ()):
        try:
            SpecifierSet(value)
        except InvalidSpecifier:
            raise BadMetadata(f"The metadata's requires-python {value!r} is not a version specifier.") from None


def _from_wheel(path: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            found = [
                entry
                for entry in archive.infolist()
                if entry.filename.endswith(".dist-info/METADATA") and entry.filename.count("/") == 1
            ]
            if len(found) != 1:
                raise BadMetadata(f"The wheel has {len(found)} files *.dist-info/METADATA; it must have one.")
            with archive.open(found[0]) as member:
                return _limited(member.read(MAX_METADATA_BYTES + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        # RuntimeError: encrypted; NotImplementedError: a compression that wheels do not use; ValueError: odd offsets.
        raise _as_bad_metadata(error, "The wheel is not a readable zip file") from None


def _from_sdist(path: str) -> bytes:
    try:
        with (
            open(path, "rb") as packed,
            BoundedGzip(packed, allowance(size_of(packed))) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            return _pkg_info(archive)
    except (tarfile.TarError, *GZIP_ERRORS, TooMuch, ValueError, OverflowError) as error:
        raise _as_bad_metadata(error, "The source distribution is not a readable tar.gz file") from None


def _pkg_info(archive: tarfile.TarFile) -> bytes:
    raw: bytes | None = None
    for entry in archive:
        if entry.name.endswith("/PKG-INFO") and entry.name.count("/") == 1:
            if raw is not None:
                raise BadMetadata("The source distribution has more than one PKG-INFO at its top.")
            member = archive.extractfile(entry) if entry.isreg() else None
            if member is None:
                raise BadMetadata("The source distribution's PKG-INFO is not a file.")
            raw = _limited(member.read(MAX_METADATA_BYTES + 1))
    if raw is None:
        raise BadMetadata("The source distribution has no PKG-INFO in its top directory.")
    return raw


def _limited(raw: bytes) -> bytes:
    if len(raw) > MAX_METADATA_BYTES:
        raise BadMetadata(f"The metadata are larger than {MAX_METADATA_BYTES} bytes.")
    return raw


def _as_bad_metadata(error: Exception, sentence: str) -> BadMetadata:
    if isinstance(error, BadMetadata):
        return error
    return BadMetadata(f"{sentence}: {error}." if isinstance(error, TooMuch) else f"{sentence}.")
