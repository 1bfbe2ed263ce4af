# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index to import into, files to import, and what becomes of them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from trustpub.index.adapters.checking import Checked, check
from trustpub.index.adapters.sources.walking import list_folders
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.imports.bringing import Import, Outcome
from trustpub.index.imports.found import Listing
from trustpub.index.kept import File

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name

ROOT = Path(__file__).parents[2]
URL = "http://localhost:8080"
OLD = 1_500_000_000.25
"""When files of the tests were uploaded, unless they say otherwise."""


def metadata(name: str, version: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\n".encode()


def wheel(name: str = "hello", version: str = "1.0", said: str = "hello") -> bytes:
    """The same bytes whenever it is made; ``said`` makes others."""
    stem = f"{name.lower().replace('-', '_').replace('.', '_')}-{version}"
    info = f"{stem}.dist-info"
    module = name.lower().replace("-", "_").replace(".", "_")
    contents = {
        f"{module}.py": f"SAID = {said!r}\n".encode(),
        f"{info}/METADATA": metadata(name, version),
        f"{info}/WHEEL": packed.TAGGED,
    }
    return packed.wheel(info, contents)


def wheel_name(name: str = "hello", version: str = "1.0") -> str:
    return f"{name.lower().replace('-', '_').replace('.', '_')}-{version}-py3-none-any.whl"


def sdist(name: str = "hello", version: str = "1.0", contents: Mapping[str, bytes] | None = None) -> bytes:
    stem = f"{name}-{version}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        found = contents or {"PKG-INFO": metadata(name, version), "pyproject.toml": b"[build-system]\nrequires = []\n"}
        for path, content in found.items():
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def put(path: Path, content: bytes, at: float = OLD) -> Path:
    """A file as another index left it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Trustpub = Callable[..., Ran]


@pytest.fixture
def trustpub() -> Trustpub:
    """Run a command of ours to its end."""

    def run(*words: object) -> Ran:
        command = [sys.executable, "-m", "trustpub", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """An index with a user called ada."""
    with open_folder(tmp_path / "index", create=True, public_url=URL) as opened:
        opened.people.add("ada")
        yield opened


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Where the other index had its files."""
    path = tmp_path / "old"
    path.mkdir()
    return path


def bring(folder: Folder, listing: Listing | Path, *, owner: str | None = "ada", **changes: Any) -> list[Outcome]:
    """One import, without any command. ``changes`` of the settings."""
    listing = list_folders([listing]) if isinstance(listing, Path) else listing
    bringing = Import(
        store=folder.store,
        blobs=folder.blobs,
        settings=replace(folder.settings, **changes),
        clock=time.time,
        owner=None if owner is None else folder.people.user(owner),
        source="a folder",
    )
    return [bringing.bring(found) for found in listing.files]


def rows(folder: Folder) -> dict[str, File]:
    """Every file that a row names, by its name."""
    with folder.store.read() as reading:
        return {one.filename: one for one in reading.all_files() if one.deleted is None}


def wrong(folder: Folder) -> list[str]:
    """All that is not as it should be in the folder."""
    found = check(folder.store, folder.blobs, time.time, Checked(), served=False)
    return [f"{one.kind} {one.path}" for one in found]


def find(environment: str, name: str) -> str:
    """A program of a real index or client, from its own environment below .venvs."""
    path = ROOT / ".venvs" / environment / "bin" / name
    if not path.exists():
        pytest.skip(f"THE REAL {environment} IS NOT HERE, so nothing about it was tested. Get it: make clients without")
    return str(path)
