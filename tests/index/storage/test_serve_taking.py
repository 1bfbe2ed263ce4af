# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Uploads to a real `trustpub serve`: what its options refuse, and what it holds in memory."""

from __future__ import annotations

import hashlib
import http.client
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from trustpub.index.configuration.kinds import Size

from ... import packed  # noqa: TID252 - pytest gives these folders no absolute name
from .conftest import Ran, Served

Trustpub = Callable[..., Ran]
Serve = Callable[..., Served]
BOUNDARY = "a-boundary-of-ours"


def wheel(size: int, version: str = "1.0", *, requires: str = "") -> bytes:
    """A wheel of ``big`` with so many bytes that do not compress."""
    info = f"big-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: big\nVersion: {version}\n{requires}"
    contents = {
        "big.bin": os.urandom(size),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\n",
    }
    return packed.wheel(info, contents, level=1)


def upload(served: Served, token: str, content: bytes, version: str = "1.0") -> tuple[int, str]:
    """Status and reason phrase."""
    filename = f"big-{version}-py3-none-any.whl"
    fields = {
        ":action": "file_upload", "filetype": "bdist_wheel", "pyversion": "py3", "metadata_version": "2.1",
        "name": "big", "version": version, "sha256_digest": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        yield head.encode()
        for at in range(0, len(content), 2**20):
            yield content[at : at + 2**20]
        yield tail

    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(head.encode()) + len(content) + len(tail)),
    }
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=60)
    try:
        connection.request("POST", "/legacy/", pieces(), headers)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status, answer.reason


@pytest.fixture
def token(trustpub: Trustpub) -> Callable[[Served], str]:
    """One of a person, who may make projects."""

    def make(served: Served) -> str:
        assert trustpub("admin", "user", "add", "ada", "--data", served.data).code == 0
        made = trustpub("admin", "token", "create", "ada", "--scope", "upload", "--data", served.data)
        return made.out.strip().splitlines()[-1]

    return make


def test_options_say_what_is_taken(serve: Serve, token: Callable[[Served], str]) -> None:
    served = serve(
        "--max-file-size", "30k", "--max-project-size", "40000", "--no-local-versions", "--no-direct-urls",
        "--close-releases-after", "14", "--upstream", "https://pypi.org/simple",
    )  # fmt: skip
    secret = token(served)
    status, reason = upload(served, secret, wheel(40_000))
    assert (status, reason.startswith("File too large. The limit is 30720 bytes")) == (413, True)
    status, reason = upload(served, secret, wheel(100, "1.0+here"), "1.0+here")
    assert (status, "local part" in reason) == (400, True)
    status, reason = upload(served, secret, wheel(100, requires="Requires-Dist: a @ https://example.org/a.whl\n"))
    assert (status, "given by a URL" in reason) == (400, True)
    assert upload(served, secret, wheel(20_000)) == (200, "OK")
    status, reason = upload(served, secret, wheel(20_000, "1.1"), "1.1")
    assert (status, reason.startswith("Project size too large")) == (400, True)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_an_upload_of_100_mb_holds_little_of_it_in_memory(serve: Serve, token: Callable[[Served], str]) -> None:
    served = serve()
    secret = token(served)
    assert upload(served, secret, wheel(1000, "0.1"), "0.1") == (200, "OK")  # all that is loaded once is loaded
    idle = memory(served, "VmRSS")
    assert upload(served, secret, wheel(100_000_000)) == (200, "OK")
    assert memory(served, "VmHWM") - idle <= 40 * 1024
    assert memory(served, "VmRSS") - idle <= 20 * 1024


def memory(served: Served, field: str) -> int:
    """In kB."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--max-file-size", "0"], "no size"),
        (["--max-file-size", "1.5G"], "no size"),
        (["--max-project-size", "-1"], "no size"),
        (["--close-releases-after", "0"], "is not in the range from 1"),
        (["--upstream", "ftp://pypi.org/simple/"], "Simple API"),
        (["--upstream", "http://pypi.org/simple/"], "Simple API"),
        (["--upstream", "https://user:secret@pypi.org/simple/"], "Simple API"),
        (["--upstream", "https://pypi.org/simple/?x"], "Simple API"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    tmp_path: Path, trustpub: Trustpub, options: list[str], says: str
) -> None:
    done = trustpub("serve", "--data", tmp_path / "index", *options)
    assert (done.code, says in done.err) == (2, True)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("100k", 102_400),
        ("100M", 104_857_600),
        ("2 GiB", 2**31),
        ("3gb", 3 * 2**30),
        ("1T", 2**40),
        ("7B", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert Size().from_text(text) == size
