# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Small wheels, and the form in which a client sends one."""

from __future__ import annotations

import hashlib

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name

_BOUNDARY = "a-boundary-of-ours"


def wheel(name: str, version: str) -> bytes:
    """The same bytes whenever it is made."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": b"said = 'hello'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": packed.TAGGED,
    }
    return packed.wheel(info, contents)


def multipart(filename: str, content: bytes, version: str, attestations: str | None) -> tuple[bytes, str]:
    """Body and content type."""
    fields = {
        ":action": "file_upload", "protocol_version": "1", "sha256_digest": hashlib.sha256(content).hexdigest(),
        "filetype": "bdist_wheel", "pyversion": "py3", "metadata_version": "2.1", "name": filename.partition("-")[0],
        "version": version,
    }  # fmt: skip
    if attestations is not None:
        fields["attestations"] = attestations
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, f"\r\n--{_BOUNDARY}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={_BOUNDARY}"
