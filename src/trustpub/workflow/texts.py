# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Text files of a project: read whole under a bound, and replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from trustpub.errors import Misuse

MAX_BYTES = 4 * 1024 * 1024
"""A file of settings or code that is larger is not one that a person wrote."""


def read(path: Path, shown: str, *, most: int = MAX_BYTES) -> str:
    """What ``path`` holds, a mark of its byte order included. ``shown``: its name, printable. ``most``: bytes.

    Raises:
        Misuse: it is not there, cannot be read, is larger than ``most``, or is not in UTF-8.
    """
    text = find(path, shown, most=most)
    if text is None:
        raise Misuse(f"{shown} cannot be read: {os.strerror(errno.ENOENT)}.")
    return text


def find(path: Path, shown: str, *, most: int = MAX_BYTES) -> str | None:
    """As :func:`read`; None where there is no such file.

    Raises:
        Misuse: it cannot be read, is larger than ``most``, or is not in UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Misuse(f"{shown} cannot be read: {error.strerror}.") from None
    if len(content) > most:
        raise Misuse(f"{shown} is larger than {most} bytes.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Misuse(f"{shown} is not text in UTF-8.") from None


def replace(path: Path, content: bytes, *, new: int = 0o644) -> None:
    """Put ``content`` at ``path``, in a folder that is there; a file keeps its mode, and ``new`` is that of a new one.

    Raises:
        OSError: it cannot be written. What was there is as it was.
    """
    mode = path.stat().st_mode & 0o777 if path.exists() else new
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
