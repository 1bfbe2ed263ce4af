# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Distributions, sound by default and broken where a test says so."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from ..packed import record_line  # noqa: TID252 - pytest gives these folders no absolute name

METADATA = "Metadata-Version: 2.4\nName: Hello.World\nVersion: 1.0\nRequires-Python: >=3.9\n\nA description.\n"
STEM = "hello_world-1.0"
INFO = f"{STEM}.dist-info"


def wheel_bytes(
    *,
    files: Mapping[str, bytes] | None = None,
    metadata: str = METADATA,
    record: Callable[[str], str] = lambda text: text,
    without: Sequence[str] = (),
    after: Callable[[zipfile.ZipFile], None] = lambda archive: None,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A wheel of hello_world 1.0. ``record`` rewrites RECORD, ``after`` adds entries that RECORD does not know."""
    contents = {
        "hello_world/__init__.py": b"greeting = 'hello'\n",
        f"{INFO}/METADATA": metadata.encode(),
        f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(files or {}),
    }
    lines = "".join(record_line(path, content) for path, content in contents.items()) + f"{INFO}/RECORD,,\n"
    contents[f"{INFO}/RECORD"] = record(lines).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for path, content in contents.items():
            if path not in without:
                archive.writestr(path, content)
        after(archive)
    return buffer.getvalue()


def sdist_bytes(
    *,
    metadata: str = METADATA,
    top: str = STEM,
    without: Sequence[str] = (),
    entries: Sequence[tuple[tarfile.TarInfo, bytes]] = (),
) -> bytes:
    """A source distribution of hello_world 1.0, with further ``entries`` at its end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        contents = {f"{top}/PKG-INFO": metadata.encode(), f"{top}/pyproject.toml": b"[build-system]\n"}
        for path, content in contents.items():
            if path not in without:
                archive.addfile(tar_entry(path, len(content)), io.BytesIO(content))
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def tar_entry(path: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size, entry.type, entry.linkname = size, kind, target
    return entry


class Builder:
    """What tests build with."""

    info = INFO
    stem = STEM
    metadata = METADATA
    record_line = staticmethod(record_line)
    tar_entry = staticmethod(tar_entry)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def wheel(self, **changes: object) -> str:
        return self.file(wheel_bytes(**changes))  # type: ignore[arg-type]

    def sdist(self, **changes: object) -> str:
        return self.file(sdist_bytes(**changes))  # type: ignore[arg-type]

    def file(self, content: bytes) -> str:
        """As an index has it: under a name that says nothing."""
        path = self._folder / hashlib.sha256(content).hexdigest()[:12]
        path.write_bytes(content)
        return str(path)


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    """Builds distributions in a folder of the test's own."""
    return Builder(tmp_path)
