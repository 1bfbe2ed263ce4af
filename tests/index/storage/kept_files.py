# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files put into an index as an upload puts them there, without one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from trustpub.index.bootstrap.folder import Folder
from trustpub.index.kept import File

from .conftest import a_project


@dataclass(frozen=True)
class Kept:
    filename: str
    digest: str
    content: bytes

    def below(self, folder: Path) -> Path:
        """Its place in an index's folder, or a backup."""
        return folder / "packages" / self.digest[:2] / self.digest[2:4] / self.digest[4:] / self.filename


def put(folder: Folder, filename: str, content: bytes = b"a file", *, row: bool = True) -> Kept:
    """A file, its metadata if it is a wheel, and a row of the project Hello."""
    digest = hashlib.blake2b(content, digest_size=32).hexdigest()
    metadata = f"Name: {filename}\n".encode() if filename.endswith(".whl") else None
    with folder.blobs.stage() as staged:
        staged.write(content)
        staged.finish()
        staged.keep(digest, filename, metadata)
    if row:
        with folder.store.write() as writing:
            project = writing.project("Hello")
            if project is None:
                writing.add_project(a_project())
            writing.add_file(
                File(
                    project_id=a_project().id,
                    filename=filename,
                    version="1.0",
                    filetype="sdist" if metadata is None else "bdist_wheel",
                    size=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                    blake2b_256=digest,
                    md5=None,
                    metadata_sha256=None if metadata is None else hashlib.sha256(metadata).hexdigest(),
                    requires_python=None,
                    uploaded=1.5,
                    token_id="token-1",
                )
            )
    return Kept(filename, digest, content)
