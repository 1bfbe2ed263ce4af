# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Building the project in its copy, and reading what was built."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from trustpub.errors import Declined, Misuse
from trustpub.packages import metadata, names
from trustpub.printable import printable
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.processes import Children, Ended, Running

BUILD_SECONDS = 1800.0
"""Some projects compile for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A file of the release."""

    path: Path
    name: str
    """Of the project, as the file's own metadata spell it."""
    version: str
    """In normal form (PEP 440)."""
    filetype: str
    """``sdist`` or ``bdist_wheel``."""
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Files of one version of one project."""

    name: str
    version: str
    files: Sequence[Built]

    @property
    def placeholder(self) -> bool:
        """Whether the version is what tools write when they know none."""
        return self.version == "0.0.0"

    @property
    def told(self) -> str:
        """For people: name, version, and how many files of which kind."""
        wheels = sum(file.filetype == "bdist_wheel" for file in self.files)
        sdists = len(self.files) - wheels
        kinds = [f"{wheels} wheel{'s' * (wheels > 1)}"] * bool(wheels) + ["source distribution"] * bool(sdists)
        return f"{self.name} {self.version}: {' and '.join(kinds)}"


def start(children: Children, copied: Path, folder: Folder, *, env: Mapping[str, str], isolation: bool) -> Running:
    """Start ``python -m build`` for the project at ``copied``; ``env`` are the variables it sees.

    Raises:
        Misuse: build is not installed.
    """
    if find_spec("build") is None:
        raise Misuse(
            "Building needs the package `build`, which is not installed.", hint='pip install "trustpub[rehearse]"'
        )
    argv = [sys.executable, "-m", "build", "--outdir", str(folder.dist)]
    argv += [] if isolation else ["--no-isolation"]
    return children.start([*argv, str(copied)], env=env, cwd=copied, log=folder.log("build"))


def finish(children: Children, running: Running, folder: Folder) -> Release:
    """Wait for the build and read what it made.

    Raises:
        Declined: the project does not build; with the end of what the build said.
        Misuse: without isolation, something that the build needs is not installed.
    """
    ended = children.wait(running, seconds=BUILD_SECONDS)
    if ended.code != 0:
        raise _failure(ended)
    return read(folder.dist)


def take(source: Path, folder: Folder) -> Release:
    """Copy built files from ``source`` and read them.

    Raises:
        Misuse: there are none.
    """
    if not source.is_dir():
        raise Misuse(f"{printable(str(source))} is not a folder.", hint="--dist takes the folder with the built files.")
    for path in sorted(source.iterdir()):
        if path.is_file() and path.name.endswith((".whl", ".tar.gz")):
            shutil.copy2(path, folder.dist / path.name)
    return read(folder.dist)


def read(dist: Path) -> Release:
    """The release whose files lie in ``dist``.

    Raises:
        Misuse: there are none, one is not a distribution, or they are not all of one version of one project.
    """
    files = [_read(path) for path in sorted(dist.iterdir()) if path.name.endswith((".whl", ".tar.gz"))]
    if not files:
        raise Misuse("There is no wheel and no source distribution to publish.")
    releases = sorted({(names.normalize(file.name), file.version) for file in files})
    if len(releases) > 1:
        listed = ", ".join(f"{name} {version}" for name, version in releases)
        raise Misuse(f"A rehearsal plays one release; there are files of several: {listed}.")
    return Release(name=files[0].name, version=files[0].version, files=files)


def _read(path: Path) -> Built:
    try:
        named = names.read_filename(path.name)
        inside = metadata.read(str(path), named.filetype)
    except (names.BadFilename, metadata.BadMetadata) as error:
        raise Misuse(f"{printable(path.name)} is not a distribution: {printable(str(error))}") from None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Built(path=path, name=inside.name, version=named.version, filetype=named.filetype, sha256=digest)


def _failure(ended: Ended) -> Declined | Misuse:
    needed = _missing(ended.output)
    if needed:
        shown = " ".join(f'"{printable(one)}"' for one in needed)
        return Misuse(
            f"Without isolation the build needs, installed here: {shown}.",
            hint=f"pip install {shown}, or leave out --no-isolation.",
        )
    said = "\n".join(printable(line) for line in ended.tail().splitlines())
    return Declined(f"The project does not build. The last that was said:\n{said}")


def _missing(output: str) -> tuple[str, ...]:
    """What the build says that it lacks: one requirement per line indented once, with its particulars below or
    a chain of who needs it.
    """
    found = re.search(r"(?:Missing|Unmet) dependencies\b.*:\s*\n((?:[ \t]+\S.*(?:\n|\Z))+)", output)
    lines = found[1].splitlines() if found is not None else []
    depth = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    direct = [line for line in lines if len(line) - len(line.lstrip()) == depth]
    return tuple(line.split("->")[-1].strip() for line in direct)
