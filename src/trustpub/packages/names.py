# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Names of projects and of the files that carry them.

Specifications: name normalization, source distribution format, binary distribution format (packaging.python.org).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

# \Z, because $ lets a trailing newline pass; ASCII, because IGNORECASE alone admits U+017F and U+212A as s and k.
_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?\Z", re.IGNORECASE | re.ASCII)
_RUN = re.compile(r"[-_.]+")
_ALIKE = str.maketrans({"-": "", "l": "1", "i": "1", "o": "0"})
_FILENAME = re.compile(r"[A-Za-z0-9._+!-]+\Z")

MAX_NAME = 200
"""Of a project. With a version behind it, it must fit into a file's name."""
MAX_FILENAME_BYTES = 240
"""File systems take 255; ``.metadata`` and the marks of a temporary file must fit behind the name."""


class BadFilename(ValueError):
    """Not a name that a source distribution or a wheel can have. The message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filename:
    """What a file's name says about the file; only the file itself can confirm it."""

    name: str
    """The project's, in normal form."""
    version: str
    """In normal form (PEP 440)."""
    filetype: str
    """``sdist`` or ``bdist_wheel``, as the upload form calls them."""
    pyversion: str
    """The Python tag of a wheel, ``source`` for a source distribution."""


def is_valid(name: str) -> bool:
    """Whether ``name`` may be the name of a project."""
    return _NAME.match(name) is not None


def normalize(name: str) -> str:
    """The form in which names are compared and routed (PEP 503). ``name`` should be valid."""
    return _RUN.sub("-", name).lower()


def look_alike(name: str) -> str:
    """One text for every name that the eye may take for ``name``: it sees neither separators, nor ``l`` from ``1``."""
    return normalize(name).translate(_ALIKE)


def component(name: str) -> str:
    """The form of ``name`` inside file names: normal, with underscores."""
    return normalize(name).replace("-", "_")


def sdist_filename(name: str, version: str) -> str:
    """The one name that a source distribution may have.

    Raises:
        packaging.version.InvalidVersion: ``version`` is none (a ``ValueError``).
    """
    return f"{component(name)}-{Version(version)}.tar.gz"


def read_filename(filename: str) -> Filename:
    """What ``filename`` says. A source distribution's name is read as tolerantly as installers do.

    Raises:
        BadFilename: it is not the name of a source distribution or a wheel.
    """
    if not _FILENAME.match(filename):
        raise BadFilename("The file name holds a character that no name, version or tag has, or is empty.")
    if len(filename) > MAX_FILENAME_BYTES:
        raise BadFilename(f"The file name is longer than {MAX_FILENAME_BYTES} bytes.")
    if filename.endswith(".whl"):
        return _wheel(filename)
    if filename.endswith(".tar.gz"):
        return _sdist(filename)
    raise BadFilename(f"{filename!r} ends neither in .tar.gz (a source distribution) nor in .whl (a wheel).")


def _wheel(filename: str) -> Filename:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        raise BadFilename(f"{filename!r} is not a wheel's name: {{name}}-{{version}}-{{tags}}.whl.") from None
    if not is_valid(name):
        raise BadFilename(f"{filename!r} does not begin with a project's name.")
    return Filename(
        name=name, version=str(version), filetype="bdist_wheel", pyversion=filename.removesuffix(".whl").split("-")[-3]
    )


def _sdist(filename: str) -> Filename:
    try:
        name, version = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        raise BadFilename(f"{filename!r} is not a source distribution's name: {{name}}-{{version}}.tar.gz.") from None
    if not is_valid(name):
        raise BadFilename(f"{filename!r} does not begin with a project's name.")
    return Filename(name=name, version=str(version), filetype="sdist", pyversion="source")


def fault_in_filename(filename: str, name: str, version: str) -> str | None:
    """What is wrong with ``filename`` for a file whose metadata say ``name`` and ``version``; None if nothing.

    One file, one name: a source distribution has exactly the normal one, and a wheel's first two components are the
    normal forms, compared as text because ``01.0`` parses as ``1.0``.

    Raises:
        BadFilename: it is no distribution's name at all.
    """
    if read_filename(filename).filetype == "sdist":
        expected = sdist_filename(name, version)
        return None if filename == expected else f"The file name {filename!r} should be {expected!r}."
    prefix = f"{component(name)}-{Version(version)}-"
    return None if filename.startswith(prefix) else f"The file name {filename!r} should begin with {prefix!r}."


def file_key(filename: str) -> str:
    """One text for every spelling of a file's name: installers see no difference.

    The same are ``py2.py3`` and ``py3.py2``, and also ``1.0`` and ``1.0.0``, which are one version (PEP 440).
    """
    folded = filename.lower()
    try:
        if folded.endswith(".whl"):
            name, version, build, tags = parse_wheel_filename(folded)
            return json.dumps([name, canonicalize_version(version), build, sorted(map(str, tags))])
        name, version = parse_sdist_filename(folded)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return folded
    return json.dumps([name, canonicalize_version(version), "zip" if folded.endswith(".zip") else "tar.gz"])
