# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Installing the release back from the index, with a real pip in a fresh environment."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from trustpub.errors import Declined
from trustpub.http import Http
from trustpub.packages.names import normalize
from trustpub.printable import printable
from trustpub.rehearsal.building import Release
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.processes import Children, Ended, Running

INSTALL_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What arrived."""

    name: str
    version: str
    by: str
    """In words: what brought it."""
    dependencies: tuple[str, ...] = ()
    """``name version`` of what came with it."""


def start(children: Children, folder: Folder, env: Mapping[str, str]) -> Running:
    """Start making the fresh environment. Its pip is this Python's own, or a copy where there is none here."""
    argv = [sys.executable, "-m", "venv", *(["--without-pip"] if _own_pip() else []), str(folder.venv)]
    return children.start(argv, env=folder.bare(env), cwd=folder.path, log=folder.log("venv"))


def finish(
    children: Children, venv: Running, folder: Folder, index: ThrowawayIndex, release: Release, *,
    env: Mapping[str, str], with_deps: bool,
) -> Installed:  # fmt: skip
    """Install ``release`` from ``index`` and from nowhere else, every byte checked by its hash.

    ``with_deps`` then lets pip get the dependencies from the index that the user has configured. A release that has no
    wheel for this Python is fetched and compared, not installed: building it would need packages from elsewhere.

    Raises:
        Declined: something else arrived than was published, or nothing.
    """
    _done("Making a fresh environment", children.wait(venv, seconds=INSTALL_SECONDS))
    if not any(_fits(file.path.name) for file in release.files if file.filetype == "bdist_wheel"):
        return _fetched(index, release)
    requirements = folder.path / "requirements.txt"
    hashes = " ".join(f"--hash=sha256:{file.sha256}" for file in release.files)
    requirements.write_text(f"{release.name}=={release.version} {hashes}\n", "utf-8")
    ours = ["--isolated", "--no-cache-dir", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    ours += ["-r", str(requirements), "--index-url", f"{index.url}/simple/", "--cert", str(index.ca)]
    _done("Installing", _pip(children, folder, ours, folder.bare(env)))
    if with_deps:
        exact = f"{release.name}=={release.version}"
        _done("Installing the dependencies", _pip(children, folder, [exact], folder.for_build(env)))
    found = _listed(children, folder, env)
    version = found.pop(normalize(release.name), None)
    if version is None or Version(version) != Version(release.version):
        raise Declined(f"pip installed {release.name} {version or 'not at all'}, and {release.version} was published.")
    others = tuple(f"{name} {found[name]}" for name in sorted(found) if name not in ("pip", "setuptools"))
    return Installed(name=release.name, version=version, by="pip", dependencies=others)


def _own_pip() -> bool:
    return find_spec("pip") is not None


def _python(folder: Folder) -> Path:
    return folder.venv / ("Scripts" if os.name == "nt" else "bin") / ("python.exe" if os.name == "nt" else "python")


def _pip(children: Children, folder: Folder, arguments: list[str], env: Mapping[str, str]) -> Ended:
    python = str(_python(folder))
    pip = [sys.executable, "-m", "pip", "--python", python] if _own_pip() else [python, "-m", "pip"]
    argv = [*pip, "--disable-pip-version-check", "install", "--no-input", "--progress-bar", "off", *arguments]
    return children.run(argv, env=env, cwd=folder.home, seconds=INSTALL_SECONDS)


def _listed(children: Children, folder: Folder, env: Mapping[str, str]) -> dict[str, str]:
    """Normal names and versions of all that is in the environment, as its own Python sees them."""
    code = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
    argv = [str(_python(folder)), "-I", "-c", code]
    ended = children.run(argv, env=folder.bare(env), cwd=folder.home, seconds=INSTALL_SECONDS)
    _done("Looking at what was installed", ended)
    return {normalize(name): version for name, version in json.loads(ended.output)}


def _fits(filename: str) -> bool:
    return not parse_wheel_filename(filename)[3].isdisjoint(sys_tags())


def _fetched(index: ThrowawayIndex, release: Release) -> Installed:
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with Http(env={}, ca=str(index.ca)) as http:
        page = http.request("GET", f"{index.url}/simple/{normalize(release.name)}/", headers=accept, max_bytes=1 << 26)
        listed = {one["filename"]: one["url"] for one in json.loads(page.body)["files"]} if page.status == 200 else {}
        for file in release.files:
            if file.path.name not in listed:
                raise Declined(f"{printable(file.path.name)} is not on the index's page of {release.name}.")
            answer = http.request("GET", listed[file.path.name], max_bytes=1 << 30)
            if answer.status != 200 or hashlib.sha256(answer.body).hexdigest() != file.sha256:
                raise Declined(f"The index gives something else for {printable(file.path.name)} than was published.")
    by = "fetched and compared, not installed: it has no wheel for this Python"
    return Installed(name=release.name, version=release.version, by=by)


def _done(what: str, ended: Ended) -> None:
    if ended.code != 0:
        said = "\n".join(printable(line) for line in ended.tail().splitlines())
        raise Declined(f"{what} failed. The last that was said:\n{said}")
