# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Small wheels, and the form in which a client sends one."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

_BOUNDARY = "a-boundary-of-ours"


def wheel(name: str, version: str) -> bytes:
    """The same bytes whenever it is made."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": b"said = 'hello'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(one).digest()).rstrip(b'=').decode()},{len(one)}\n"
        for path, one in contents.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return buffer.getvalue()


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
