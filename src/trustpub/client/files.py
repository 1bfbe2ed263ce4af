# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The files to publish: found, read and judged by the index's own rules, before any token exists."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from trustpub.errors import Misuse
from trustpub.packages import archives, metadata, names
from trustpub.printable import printable
from trustpub.protocol.upload import MULTIPLE, SINGLE, WHEEL, Submission

DEFAULT = "dist/*"
ATTESTATION = ".attestation"
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A file that is fit to be published."""

    path: str
    filename: str
    size: int
    """Bytes."""
    submission: Submission
    """The form it goes up with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the arguments came to."""

    distributions: Sequence[Distribution]
    """In the order to upload: wheels by name, then source distributions. A project that appears with a wheel is
    never, not even for a moment, installable only by building it."""
    ignored: Sequence[str]
    """Paths of attestations, which are not sent yet."""


def collect(arguments: Sequence[str]) -> Found:
    """The distributions that ``arguments`` (paths or patterns; none: ``dist/*``) stand for.

    Raises:
        Misuse: there is none, one is not a distribution or not one that an index takes, or two have the same name.
            Names every file that is at fault.
    """
    paths = _paths(arguments)
    ignored = [path for path in paths if path.endswith(ATTESTATION)]
    found: dict[str, Distribution] = {}
    faults: list[str] = []
    for path in paths:
        if path in ignored:
            continue
        filename = os.path.basename(path)
        if filename in found:
            faults.append(f"{printable(path)}: another file of this name is to be published: {found[filename].path}")
            continue
        try:
            found[filename] = read(path)
        except Misuse as error:
            faults.append(error.message)
    if faults:
        raise Misuse("\n".join(["Nothing was published.", *faults]))
    if not found:
        raise Misuse("There is nothing to publish but attestations.")
    ordered = sorted(found.values(), key=lambda one: (one.submission.filetype != WHEEL, one.filename))
    return Found(distributions=ordered, ignored=ignored)


def read(path: str) -> Distribution:
    """The distribution at ``path``, hashed, with its metadata.

    Raises:
        Misuse: it is not one. The message begins with the path.
    """
    shown = printable(path)
    filename = os.path.basename(path)
    try:
        named = names.read_filename(filename)
        inside = metadata.read(path, named.filetype)
        fault = names.fault_in_filename(filename, inside.name, inside.version)
        if fault:
            raise Misuse(f"{shown}: {printable(fault)}")
        archives.check(path, named.filetype, inside.name, inside.version)
        size, sha256, blake2b_256 = _digests(path)
    except (names.BadFilename, metadata.BadMetadata, archives.BadArchive) as error:
        raise Misuse(f"{shown} is not a distribution that an index takes: {printable(str(error), 2000)}") from None
    except OSError as error:
        raise Misuse(f"{shown} cannot be read: {(error.strerror or 'it is not a file').lower()}.") from None
    submission = Submission(
        filetype=named.filetype,
        pyversion=named.pyversion,
        fields={header: values for header in (*SINGLE, *MULTIPLE) if (values := inside.fields.get(header.lower()))},
        sha256=sha256,
        blake2b_256=blake2b_256,
    )
    return Distribution(path=path, filename=filename, size=size, submission=submission)


def _paths(arguments: Sequence[str]) -> list[str]:
    paths: list[str] = []
    for argument in arguments or [DEFAULT]:
        if os.path.isdir(argument):
            raise Misuse(
                f"{printable(argument)} is a folder.", hint=f"Name files: {printable(os.path.join(argument, '*'))}"
            )
        if os.path.exists(argument):
            paths.append(argument)
            continue
        # The shell of a Windows runner expands nothing; and a pattern that matches nothing arrives as it was typed.
        matched = sorted(path for path in glob.glob(argument) if not os.path.isdir(path))
        if not matched:
            raise Misuse(f"{printable(argument)} names no file.", hint=_HINT if not arguments else None)
        paths += matched
    seen: dict[str, str] = {}
    for path in paths:
        seen.setdefault(os.path.realpath(path), path)
    return list(seen.values())


_HINT = "Build the project first (python -m build, or uv build), or name the files to publish."


def _digests(path: str) -> tuple[int, str, str]:
    sha256, blake2b_256, size = hashlib.sha256(), hashlib.blake2b(digest_size=32), 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            blake2b_256.update(block)
            size += len(block)
    return size, sha256.hexdigest(), blake2b_256.hexdigest()
