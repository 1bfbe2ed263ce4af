# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A server and its commands, each a process; and uploads that are sent in two halves."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from ... import packed  # noqa: TID252 - pytest gives these folders no absolute name
from ..storage.conftest import Ran, Served, folder, serve, trustpub  # noqa: F401, TID252 - fixtures

BOUNDARY = "a-boundary-of-ours"


class Halves:
    """An upload whose second half is sent when it is asked for."""

    def __init__(self, served: Served, token: str, version: str) -> None:
        where = urlsplit(served.url)
        head, content, tail = body("big", version)
        length = len(head) + len(content) + len(tail)
        self._connection = socket.create_connection((where.hostname or "", where.port or 0), 30)
        self._connection.sendall(
            f"POST /legacy/ HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n"
            "Connection: close\r\n\r\n".encode()
            + head
            + content[: len(content) // 2]
        )
        self._rest = content[len(content) // 2 :] + tail

    def end(self) -> tuple[int, str]:
        """Send the rest. Status, and all of the answer."""
        with self._connection as connection:
            connection.sendall(self._rest)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return int(answer.split(b" ", 2)[1]), answer.decode("latin-1")

    def close(self) -> None:
        """Go away in the middle."""
        self._connection.close()


def body(name: str, version: str) -> tuple[bytes, bytes, bytes]:
    """What comes before the file, the file (half a megabyte), and what comes after it."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    content = packed.wheel(
        f"{name}-{version}.dist-info",
        {
            "big.bin": hashlib.shake_256(version.encode()).digest(500_000),
            f"{name}-{version}.dist-info/METADATA": metadata.encode(),
            f"{name}-{version}.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
        },
        level=1,
    )
    fields = {
        ":action": "file_upload", "filetype": "bdist_wheel", "pyversion": "py3", "metadata_version": "2.1",
        "name": name, "version": version, "sha256_digest": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    )
    filename = f"{name}-{version}-py3-none-any.whl"
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    return head.encode(), content, f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def token(trustpub: Callable[..., Ran]) -> Callable[..., str]:  # noqa: F811
    """A new one of Ada, who may make projects."""

    def make(served: Served, *options: str, scope: str = "upload") -> str:
        trustpub("admin", "user", "add", "ada", "--data", served.data)
        made = trustpub("admin", "token", "create", "ada", "--scope", scope, "--data", served.data, *options)
        assert made.code == 0, made.err
        return made.out.strip().splitlines()[-1]

    return make
