# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Wheels out of nothing, for tests everywhere."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

TAGGED = b"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
"""A file ``WHEEL``."""


def record_line(path: str, content: bytes) -> str:
    """What RECORD says of a file."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"


def wheel(info: str, contents: Mapping[str, bytes], *, level: int | None = None) -> bytes:
    """``contents`` and their RECORD in the folder ``info``; the same bytes whenever it is made.

    ``level`` is how hard they are packed; None: not at all.
    """
    record = "".join(record_line(path, content) for path, content in contents.items()) + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**contents, f"{info}/RECORD": record.encode()}.items():
            kind = zipfile.ZIP_STORED if level is None else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(path), content, kind, level)
    return buffer.getvalue()
