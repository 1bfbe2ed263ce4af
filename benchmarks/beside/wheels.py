# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Wheels of any size that a strict index takes, and the form that uploads one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import secrets
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

BOUNDARY = "benchmark-9f2b6c41d0e84a53"
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A built wheel."""

    path: Path
    project: str
    version: str

    @property
    def content(self) -> bytes:
        """All of it."""
        return self.path.read_bytes()


def metadata(project: str, version: str) -> bytes:
    """Core metadata, as short as they can be."""
    return f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\nRequires-Python: >=3.9\n".encode()


def build(folder: Path, project: str, version: str, members: Mapping[str, bytes], *, packed: bool = False) -> Wheel:
    """A wheel with these members, deflated or stored, and a RECORD with all of them."""
    module = project.replace("-", "_")
    path, info = folder / f"{module}-{version}-py3-none-any.whl", f"{module}-{version}.dist-info"
    everything = {
        **members,
        f"{info}/METADATA": metadata(project, version),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: benchmark\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind, compresslevel=1) as archive:
        for name, content in everything.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.writerow((name, f"sha256={digest}", len(content)))
            archive.writestr(name, content)
        rows.writerow((f"{info}/RECORD", "", ""))
        archive.writestr(f"{info}/RECORD", record.getvalue())
    return Wheel(path=path, project=project, version=version)


def small(folder: Path, project: str, version: str, size: int) -> Wheel:
    """One of about ``size`` bytes, unlike any other."""
    module = project.replace("-", "_")
    return build(folder, project, version, {f"{module}/data.bin": secrets.token_bytes(max(0, size - 900))})


def large(folder: Path, project: str, size: int, *, packed: bool) -> Wheel:
    """One of about ``size`` bytes: one stored member, or five that are twice as long before they are packed."""
    if not packed:
        return build(folder, project, "1.0", {"big/data.bin": os.urandom(size)})
    parts = {f"big/part{number}.txt": os.urandom(size // 5).hex().encode() for number in range(5)}
    return build(folder, project, "1.0", parts, packed=True)


def many(folder: Path, files: int, projects: int) -> list[Wheel]:
    """``files`` of the project page-project, and one of each of ``projects`` others."""
    made = [small(folder, "page-project", f"1.{number}", 1000) for number in range(files)]
    return made + [small(folder, f"other-{number}", "1.0", 1000) for number in range(projects)]


def form(wheel: Wheel, content: bytes) -> tuple[bytes, bytes]:
    """What comes before the content in the body of an upload, and what comes after it."""
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": wheel.project,
        "version": wheel.version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "requires_python": ">=3.9",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
    }
    return b"".join(_parts(fields, wheel.path.name)), f"\r\n--{BOUNDARY}--\r\n".encode()


def _parts(fields: Mapping[str, str], filename: str) -> Iterable[bytes]:
    for name, value in fields.items():
        yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n'.encode()
    yield b"Content-Type: application/octet-stream\r\n\r\n"
