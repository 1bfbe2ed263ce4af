# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where the bytes of an index's files are kept."""

from __future__ import annotations

from pathlib import Path

from trustpub.errors import Misuse
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.settings import ObjectStorage


def open_blobs(data: Path, s3: ObjectStorage | None) -> FolderBlobs:
    """The bytes of the index: in its folder, unless they are in a bucket.

    Raises:
        Misuse: the bucket cannot be used.
    """
    if s3 is not None:
        raise Misuse("This trustpub keeps its files in the folder only.", hint="Leave out the section [s3].")
    return FolderBlobs(data)
