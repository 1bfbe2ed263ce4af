# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A light client that uploads and reads, and wheels made from a number, so that it knows what must come back."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name

BOUNDARY = "a-boundary-of-the-light-client"
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Wheel:
    """A sound wheel; every byte follows from its fields."""

    name: str
    version: str
    size: int

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-py3-none-any.whl"

    @cached_property
    def content(self) -> bytes:
        info = f"{self.name}-{self.version}.dist-info"
        contents = {
            f"{self.name}/noise.bin": random.Random(self.filename).randbytes(self.size),  # noqa: S311
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n\nHi.\n".encode(),
            f"{info}/WHEEL": packed.TAGGED,
        }
        return packed.wheel(info, contents)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def place(self) -> str:
        """Below the index's folder."""
        digest = hashlib.blake2b(self.content, digest_size=32).hexdigest()
        return f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.filename}"

    @cached_property
    def body(self) -> bytes:
        fields = {
            ":action": "file_upload", "protocol_version": "1", "sha256_digest": self.sha256, "filetype": "bdist_wheel",
            "pyversion": "py3", "metadata_version": "2.1", "name": self.name, "version": self.version,
        }  # fmt: skip
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{self.filename}"\r\n'
        return b"".join([*parts, f"{head}\r\n".encode(), self.content, f"\r\n--{BOUNDARY}--\r\n".encode()])


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection to an index, opened anew after every failure."""

    def __init__(self, url: str, token: str = "", seconds: float = 30) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
        self._credential = base64.b64encode(f"__token__:{token}".encode()).decode()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def get(self, path: str, accept: str = "*/*") -> Answer:
        return self._ask("GET", path, {"Accept": accept}, [])

    def post(self, path: str, body: bytes) -> Answer:
        return self._ask("POST", path, {"Content-Length": str(len(body))}, [body])

    def upload(self, wheel: Wheel, pause: float = 0) -> Answer:
        """``pause``: seconds between two pieces of the body."""
        headers = {
            "Authorization": f"Basic {self._credential}", "Content-Length": str(len(wheel.body)),
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Accept": "application/problem+json",
        }  # fmt: skip

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(wheel.body), CHUNK):
                if pause:
                    time.sleep(pause)
                yield wheel.body[start : start + CHUNK]

        return self._ask("POST", "/legacy/", headers, pieces())

    def files(self, project: str) -> list[dict[str, Any]]:
        """What the index lists."""
        answer = self.get(f"/simple/{project}/", "application/vnd.pypi.simple.v1+json")
        if answer.status == 404:
            return []
        assert answer.status == 200, answer
        found: list[dict[str, Any]] = answer.json["files"]
        return found

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        try:
            self._connection.request(method, path, body=iter(body), headers=dict(headers))
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.reason, dict(answer.headers), answer.read())
        except BaseException:
            self._connection.close()
            raise


@dataclass
class Storm:
    """Several clients that upload one wheel after another until the index is gone."""

    url: str
    token: str
    name: str
    """That no other storm has: part of every version."""
    clients: int = 5
    sent: dict[str, Wheel] = field(default_factory=dict)
    """By file name, from the moment before its first byte."""
    acknowledged: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    under_way: dict[int, Wheel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads = [threading.Thread(target=self._upload, args=(number,)) for number in range(self.clients)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _upload(self, number: int) -> None:
        chance = random.Random(f"{self.name}.{number}")  # noqa: S311
        with Client(self.url, self.token) as client:
            for count in range(10_000):
                large = number == 0 and chance.random() < 0.7
                size = chance.randrange(1_000_000, 5_000_000) if large else chance.randrange(10, 20_000)
                wheel = Wheel(f"project{number}", f"{self.name}.{count}", size)
                _ = wheel.body, wheel.place
                self.sent[wheel.filename] = wheel
                self.under_way[number] = wheel
                try:
                    answer = client.upload(wheel, pause=chance.choice((0, 0, 0.002)) if large else 0)
                except (OSError, http.client.HTTPException):
                    return
                if answer.status != 200:
                    self.refused.append(f"{answer.status} {answer.reason}")
                    return
                self.acknowledged.add(wheel.filename)


def below(folder: Path) -> list[str]:
    """Every file, by its path in the folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
