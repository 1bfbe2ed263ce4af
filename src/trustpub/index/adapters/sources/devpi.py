# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What ``devpi-export`` writes: a folder with ``dataindex.json``, and files below ``USER/INDEX/PROJECT/VERSION``."""

from __future__ import annotations

import calendar
import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from typing import Any

from trustpub.errors import Misuse
from trustpub.index.imports.found import Found, Left, Listing, oldest_first
from trustpub.index.manage.projects import MAX_REASON
from trustpub.printable import printable, quoted

INDEX_FILE = "dataindex.json"
_VERSIONS = ("1", "2")
"""Of the export's form. 1 is of devpi-server 4 and older."""
_RELEASE = "releasefile"
_OUTSIDE = "The export names it by a path that leads out of its folder."
_HEX = {"sha256": re.compile(r"[0-9a-f]{64}\Z"), "md5": re.compile(r"[0-9a-f]{32}\Z")}


def list_export(folder: Path, wanted: Sequence[str] = ()) -> Listing:
    """The files of one index of the export, or of several, as one.

    Args:
        folder: that was given to ``devpi-export``.
        wanted: ``USER/INDEX``, each; empty: the only one that has files.

    Raises:
        Misuse: it is no export, none that is understood, or it is not clear which index is meant.
    """
    indexes = _read(folder)
    chosen = _choose(indexes, wanted)
    files: list[Found] = []
    left: list[Left] = []
    missing: list[Left] = []
    for name in chosen:
        yanks = _yanks(indexes[name])
        for entry in _entries(indexes[name]):
            place = str(entry.get("relpath", ""))
            if entry.get("type", _RELEASE) != _RELEASE:
                left.append(Left(place=place, reason="It is no distribution, but documentation or a test's result."))
                continue
            found = _file(folder, entry, place, yanks)
            if isinstance(found, Found):
                files.append(found)
            else:
                missing.append(found)
    left += [
        Left(place=name, reason="This index of the export was not asked for.")
        for name in indexes
        if name not in chosen and any(True for _ in _entries(indexes[name]))
    ]
    return Listing(files=oldest_first(files), passed_over=left, missing=missing)


def _read(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Its indexes by ``USER/INDEX``."""
    path = folder / INDEX_FILE
    shown = printable(str(path), 400)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        hint = "Make one: devpi-export --serverdir SERVERDIR EXPORT"
        raise Misuse(f"{printable(str(folder), 400)} is no export of devpi: there is no {shown}.", hint=hint) from None
    except OSError as error:
        raise Misuse(f"{shown} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError):
        raise Misuse(f"{shown} is not JSON: perhaps the export was cut short.") from None
    indexes = document.get("indexes") if isinstance(document, dict) else None
    if not isinstance(indexes, dict) or not all(isinstance(one, dict) for one in indexes.values()):
        raise Misuse(f"{shown} says of no indexes: it is no export of devpi.")
    version = str(document.get("dumpversion"))
    if version not in _VERSIONS:
        raise Misuse(f"{shown} is of the form {quoted(version)}, and understood are {' and '.join(_VERSIONS)}.")
    return indexes


def _choose(indexes: Mapping[str, Mapping[str, Any]], wanted: Sequence[str]) -> Sequence[str]:
    for name in wanted:
        if name not in indexes:
            known = ", ".join(quoted(one) for one in sorted(indexes)) or "none"
            raise Misuse(f"The export has no index {quoted(name)}; it has {known}.")
    if wanted:
        return list(dict.fromkeys(wanted))
    filled = [name for name, one in sorted(indexes.items()) if any(True for _ in _entries(one))]
    if len(filled) > 1:
        raise Misuse(
            f"The export has several indexes with files: {', '.join(quoted(one) for one in filled)}.",
            hint="This is one index. Say which are to be in it, with --index USER/INDEX, as often as wanted.",
        )
    return filled


def _entries(index: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    entries = index.get("files")
    yield from (one for one in (entries if isinstance(entries, list) else []) if isinstance(one, dict))


def _yanks(index: Mapping[str, Any]) -> Mapping[tuple[str, str], str]:
    """Why a release is yanked, by project as its folder calls it and version. (devpi knows that of mirrors.)"""
    found: dict[tuple[str, str], str] = {}
    projects = index.get("projects")
    for project, versions in (projects if isinstance(projects, dict) else {}).items():
        for version, said in (versions if isinstance(versions, dict) else {}).items():
            yanked = said.get("yanked") if isinstance(said, dict) else None
            if yanked is True or isinstance(yanked, str):
                found[project, version] = "" if yanked is True else printable(yanked, MAX_REASON)
    return found


def _file(folder: Path, entry: Mapping[str, Any], place: str, yanks: Mapping[tuple[str, str], str]) -> Found | Left:
    relative = PurePosixPath(place)
    if not place or relative.is_absolute() or ".." in relative.parts or not place.isprintable():
        return Left(place=place, reason=_OUTSIDE)
    path = folder / relative
    try:
        status = path.lstat()
    except OSError as error:
        return Left(place=place, reason=f"The export names it, and it cannot be read: {error.strerror}.")
    if not stat.S_ISREG(status.st_mode):
        return Left(place=place, reason="The export names it, and it is no regular file.")
    if not path.resolve().is_relative_to(folder.resolve()):
        return Left(place=place, reason=_OUTSIDE)
    mapping = entry.get("entrymapping")
    mapping = mapping if isinstance(mapping, dict) else {}
    when, by = _upload(entry)
    uploaded = when or _modified(mapping) or status.st_mtime
    return Found(
        filename=relative.name,
        place=place,
        path=str(path),
        size=status.st_size,
        uploaded=uploaded,
        yanked=yanks.get((str(entry.get("projectname")), str(entry.get("version")))),
        by=by,
        digests=_digests(mapping),
    )


def _upload(entry: Mapping[str, Any]) -> tuple[float | None, str]:
    """When it was uploaded first, and by whom, as devpi's log of the file tells; pushes to other indexes come later."""
    log = entry.get("log")
    for line in log if isinstance(log, list) else []:
        if isinstance(line, dict) and line.get("what") == "upload":
            who = line.get("who")
            by = who if isinstance(who, str) and not who.startswith("<") else ""
            return _moment(line.get("when")), printable(by, 100)
    return None, ""


def _moment(when: Any) -> float | None:
    """From year, month, day, hour, minute and second, in UTC."""
    if not isinstance(when, list) or len(when) < 6 or not all(isinstance(one, int) for one in when[:6]):
        return None
    try:
        return float(calendar.timegm(tuple(when[:6])))
    except (ValueError, OverflowError):
        return None


def _modified(mapping: Mapping[str, Any]) -> float | None:
    """From the HTTP date that devpi served with the file."""
    try:
        return parsedate_to_datetime(str(mapping.get("last_modified"))).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _digests(mapping: Mapping[str, Any]) -> Mapping[str, str]:
    """The digests that the export tells, in any of the ways that its versions had."""
    hashes = mapping.get("hashes")
    found = dict(hashes) if isinstance(hashes, dict) else {}
    if "md5" in mapping:
        found["md5"] = mapping["md5"]
    algorithm, _, value = str(mapping.get("hash_spec", "")).partition("=")
    found.setdefault(algorithm, value)
    return {
        name: found[name] for name, form in _HEX.items() if isinstance(found.get(name), str) and form.match(found[name])
    }
