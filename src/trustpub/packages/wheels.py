# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A wheel as an archive (packaging.python.org, binary distribution format)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import Parser
from typing import IO

from packaging.version import InvalidVersion, Version

from trustpub.packages.entries import MAX_ENTRIES, Paths
from trustpub.packages.names import normalize
from trustpub.packages.unpacking import allowance, size_of

_CHUNK = 1024 * 1024
_MAX_LIST_BYTES = 32 * 1024 * 1024
"""Of RECORD or WHEEL, which are read whole."""

_HASHES = ("sha256", "sha384", "sha512")
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_LOCAL_ENTRY, _END = b"PK\x03\x04", b"PK\x05\x06"
_END_SIZE = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One line of RECORD."""

    algorithm: str
    digest: str
    """URL-safe base64 without padding."""
    size: str
    """Decimal, or empty."""


def faults(path: str, name: str, version: str) -> list[str]:
    """What is wrong with the wheel at ``path`` whose metadata say ``name`` and ``version``, in sentences."""
    with open(path, "rb") as file:
        size = size_of(file)
        if (framing := _fault_in_framing(file, size)) is not None:
            return [framing]
        try:
            with zipfile.ZipFile(file) as archive:
                return _faults_in_entries(archive, size) or _faults_in_wheel(archive, name, version)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
            return ["The wheel is a damaged zip file."]


def _fault_in_framing(file: IO[bytes], size: int) -> str | None:
    # Readers look for the directory from the end, or for entries from the start: with nothing before the first entry
    # and nothing behind the end record, both see the same archive.
    start = file.read(len(_LOCAL_ENTRY))
    file.seek(max(0, size - _END_SIZE))
    end = file.read()
    if start != _LOCAL_ENTRY:
        return "The wheel is not a zip file."
    if not end.startswith(_END) or end[-2:] != b"\0\0":
        return "The wheel's zip file is cut short, or has a comment or other bytes behind its end."
    return None


def _faults_in_entries(archive: zipfile.ZipFile, packed: int) -> list[str]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        return [f"The wheel has more than {MAX_ENTRIES} entries."]
    # A member is never read beyond the size it declares, so the sum bounds what can come out.
    if sum(entry.file_size for entry in entries) > allowance(packed):
        return ["The wheel unpacks to more than its size allows."]
    paths = Paths()
    for entry in entries:
        # orig_filename: zipfile cuts names at a NUL, other readers do not.
        paths.add(entry.orig_filename, directory=entry.is_dir())
        if entry.flag_bits & 0x1:
            paths.faults.append(f"The entry {entry.filename!r} is encrypted.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            paths.faults.append(f"The entry {entry.filename!r} is neither stored nor deflated.")
    return paths.faults


def _faults_in_wheel(archive: zipfile.ZipFile, name: str, version: str) -> list[str]:
    tops = {entry.filename.partition("/")[0] for entry in archive.infolist()}
    folders = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(folders) != 1:
        return [f"The wheel has {len(folders)} .dist-info directories; it must have one."]
    folder = folders[0]
    present = set(archive.namelist())
    missing = [one for one in ("METADATA", "WHEEL", "RECORD") if f"{folder}/{one}" not in present]
    found = [f"The wheel has no {folder}/{one}." for one in missing]
    if not _belongs(folder, name, version):
        found.append(f"The directory {folder!r} is not that of {name} {version}.")
    if not missing:
        found += _faults_in_format(archive, folder) + _faults_in_record(archive, folder)
    return found


def _belongs(folder: str, name: str, version: str) -> bool:
    stem, _, given = folder.removesuffix(".dist-info").rpartition("-")
    try:
        return normalize(stem) == normalize(name) and Version(given.replace("_", "-")) == Version(version)
    except InvalidVersion:
        return False


def _faults_in_format(archive: zipfile.ZipFile, folder: str) -> list[str]:
    text = _text(archive, f"{folder}/WHEEL")
    major = str(Parser().parsestr(text or "").get("Wheel-Version", "")).strip().partition(".")[0]
    return [] if major == "1" else ["The file WHEEL does not say Wheel-Version 1.x, the one that is known."]


def _faults_in_record(archive: zipfile.ZipFile, folder: str) -> list[str]:
    text = _text(archive, f"{folder}/RECORD")
    if text is None:
        return ["The file RECORD is too large, or not UTF-8."]
    found: list[str] = []
    recorded = _read_record(text, found)
    unrecorded = {f"{folder}/{one}" for one in _UNRECORDED}
    files = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
    found += [f"RECORD lists {path!r}, which is not in the wheel." for path in sorted(recorded.keys() - files.keys())]
    for path, entry in files.items():
        line = recorded.get(path)
        if line is None and path not in unrecorded:
            found.append(f"RECORD does not list {path!r}.")
        fault = _fault_in_file(archive, entry, line if path not in unrecorded else None)
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


def _fault_in_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, line: Recorded | None) -> str | None:
    # Read even without a line: reading is what checks the CRC.
    algorithm = line.algorithm if line is not None and line.algorithm in _HASHES else "sha256"
    digest = hashlib.new(algorithm)
    with archive.open(entry) as member:
        while chunk := member.read(_CHUNK):
            digest.update(chunk)
    if line is None:
        return None
    if line.algorithm not in _HASHES:
        return f"RECORD gives {entry.filename!r} no hash, or one weaker than SHA-256."
    if base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() != line.digest:
        return f"The file {entry.filename!r} does not have the hash that RECORD gives."
    if line.size and line.size != str(entry.file_size):
        return f"The file {entry.filename!r} does not have the size that RECORD gives."
    return None


def _text(archive: zipfile.ZipFile, path: str) -> str | None:
    with archive.open(path) as member:
        raw = member.read(_MAX_LIST_BYTES + 1)
    try:
        return raw.decode() if len(raw) <= _MAX_LIST_BYTES else None
    except UnicodeDecodeError:
        return None
