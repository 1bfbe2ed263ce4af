# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A wheel as an archive (packaging.python.org, binary distribution format)."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import Parser
from typing import IO

from packaging.version import Version

from trustpub.packages import zips
from trustpub.packages.entries import Paths, folded
from trustpub.packages.names import normalize
from trustpub.packages.tars import looks_like_tar
from trustpub.packages.unpacking import allowance, size_of
from trustpub.packages.zips import BadZip, Entry

_BUFFER = 128 * 1024
_MAX_LIST_BYTES = 32 * 1024 * 1024
"""Of RECORD or WHEEL, which are read whole."""

_HASHES = ("sha256", "sha384", "sha512")
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_INFO = ".dist-info"
_SCRIPTS = ("console_scripts", "gui_scripts")
_SCRIPT_NAME = re.compile(r"[\w.-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One line of RECORD."""

    algorithm: str
    digest: str
    """URL-safe base64 without padding."""
    size: str
    """Decimal, or empty."""


class Wheel:
    """The entries of a wheel whose framing is sound, by path."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises:
        BadZip: as for :func:`trustpub.packages.zips.read_entries`.
        """
        self._file = file
        self.packed = size_of(file)
        if looks_like_tar(file.read(512)):
            raise BadZip("is a tar file as well")
        self.entries: Sequence[Entry] = zips.read_entries(file)
        self.by_name: Mapping[str, Entry] = {entry.name: entry for entry in self.entries}

    def unpack(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of an entry."""
        return zips.unpack(self._file, entry)

    def read(self, name: str, limit: int) -> bytes | None:
        """A small file whole; None if it is not there or larger than ``limit``."""
        entry = self.by_name.get(name)
        if entry is None or entry.size > limit or entry.method not in (zips.STORED, zips.DEFLATED):
            return None
        return b"".join(self.unpack(entry))

    def text(self, name: str) -> str | None:
        """The same as text; None also if it is not UTF-8."""
        raw = self.read(name, _MAX_LIST_BYTES)
        try:
            return None if raw is None else raw.decode()
        except UnicodeDecodeError:
            return None


def open_wheel(path: str) -> IO[bytes]:
    """The file of a wheel, buffered as it is read here."""
    return open(path, "rb", buffering=_BUFFER)


def faults(path: str, name: str, version: str, licenses: Sequence[str]) -> list[str]:
    """What is wrong with the wheel at ``path`` whose metadata say ``name`` and ``version``, in sentences.

    ``licenses``: the files that the metadata say are in it.
    """
    with open_wheel(path) as file:
        try:
            return faults_in(Wheel(file), name, version, licenses)
        except BadZip as bad:
            return [f"The wheel's zip file {bad}."]


def faults_in(wheel: Wheel, name: str, version: str, licenses: Sequence[str]) -> list[str]:
    """The same, of one that is open.

    Raises:
        BadZip: an entry is damaged.
    """
    return _faults_in_entries(wheel) or _faults_in_wheel(wheel, name, version, licenses)


def _faults_in_entries(wheel: Wheel) -> list[str]:
    # A member is never read beyond the size it declares, so the sum bounds what can come out.
    if sum(entry.size for entry in wheel.entries) > allowance(wheel.packed):
        return ["The wheel unpacks to more than its size allows."]
    paths = Paths()
    for entry in wheel.entries:
        paths.add(entry.name, directory=entry.directory)
        if (fault := zips.kind_fault(entry)) is not None:
            paths.faults.append(f"The entry {entry.name!r} {fault}.")
    return paths.faults + paths.twins(lambda path: path.partition("/")[0].endswith(_INFO))


def _faults_in_wheel(wheel: Wheel, name: str, version: str, licenses: Sequence[str]) -> list[str]:
    tops = {entry.name.partition("/")[0] for entry in wheel.entries}
    folders = sorted(top for top in tops if folded(top).endswith(_INFO))
    if len(folders) != 1:
        return [f"The wheel has {len(folders)} .dist-info directories; it must have one."]
    folder = folders[0]
    missing = [one for one in ("METADATA", "WHEEL", "RECORD") if f"{folder}/{one}" not in wheel.by_name]
    found = [f"The wheel has no {folder}/{one}." for one in missing]
    found += [
        f"The wheel has no {folder}/licenses/{one}, which its metadata name as a License-File."
        for one in licenses
        if f"{folder}/licenses/{one}" not in wheel.by_name
    ]
    if not _belongs(folder, name, version):
        found.append(f"The directory {folder!r} is not that of {name} {version}.")
    if not missing:
        found += _faults_in_format(wheel, folder) + _faults_in_record(wheel, folder)
    return found


def _belongs(folder: str, name: str, version: str) -> bool:
    stem, _, given = folder.removesuffix(_INFO).rpartition("-")
    try:
        return normalize(stem) == normalize(name) and Version(given.replace("_", "-")) == Version(version)
    except ValueError:  # InvalidVersion is one; so is what int says to thousands of digits
        return False


def _faults_in_format(wheel: Wheel, folder: str) -> list[str]:
    text = wheel.text(f"{folder}/WHEEL")
    major = str(Parser().parsestr(text or "").get("Wheel-Version", "")).strip().partition(".")[0]
    found = [] if major == "1" else ["The file WHEEL does not say Wheel-Version 1.x, the one that is known."]
    if f"{folder}/entry_points.txt" in wheel.by_name:
        found += _faults_in_entry_points(wheel.text(f"{folder}/entry_points.txt"))
    return found


def _faults_in_entry_points(text: str | None) -> list[str]:
    """The file from which installers make programs (packaging.python.org, entry points specification)."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    try:
        parser.read_string("\n" if text is None else text)
    except configparser.Error:
        text = None
    if text is None:
        return ["The file entry_points.txt is not well-formed."]
    names = [name for group in _SCRIPTS if parser.has_section(group) for name in parser.options(group)]
    return [
        f"The file entry_points.txt names a program {name!r}, which is no name for one."
        for name in names
        if not _SCRIPT_NAME.match(name)
    ]


def _faults_in_record(wheel: Wheel, folder: str) -> list[str]:
    text = wheel.text(f"{folder}/RECORD")
    if text is None:
        return ["The file RECORD is too large, or not UTF-8."]
    found: list[str] = []
    recorded = _read_record(text, found)
    unrecorded = {f"{folder}/{one}" for one in _UNRECORDED}
    files = {entry.name for entry in wheel.entries if not entry.directory}
    found += [f"RECORD lists {path!r}, which is not in the wheel." for path in sorted(recorded.keys() - files)]
    for entry in wheel.entries:
        line = None if entry.name in unrecorded or entry.directory else recorded.get(entry.name)
        if line is None and entry.name not in unrecorded and not entry.directory:
            found.append(f"RECORD does not list {entry.name!r}.")
        fault = _fault_in_file(wheel, entry, line)
        if fault is not None:
            found.append(fault)
    return found


def _read_record(text: str, found: list[str]) -> Mapping[str, Recorded]:
    recorded: dict[str, Recorded] = {}
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if not row:
                continue
            path, given, size = (*row, "", "")[:3]
            if path in recorded:
                found.append(f"RECORD lists {path!r} more than once.")
            algorithm, _, digest = given.partition("=")
            recorded[path] = Recorded(algorithm=algorithm.lower(), digest=digest.rstrip("="), size=size.strip())
    except csv.Error:
        found.append("The file RECORD is not well-formed CSV.")
    return recorded


def _fault_in_file(wheel: Wheel, entry: Entry, line: Recorded | None) -> str | None:
    # Read even without a line: reading is what proves the checksum.
    digest = hashlib.new(line.algorithm) if line is not None and line.algorithm in _HASHES else None
    for chunk in wheel.unpack(entry):
        if digest is not None:
            digest.update(chunk)
    if line is None:
        return None
    if digest is None:
        return f"RECORD gives {entry.name!r} no hash, or one weaker than SHA-256."
    if base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() != line.digest:
        return f"The file {entry.name!r} does not have the hash that RECORD gives."
    if line.size and line.size != str(entry.size):
        return f"The file {entry.name!r} does not have the size that RECORD gives."
    return None
