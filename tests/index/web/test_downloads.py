# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Downloads over a real socket: by the kernel or through memory, whole and in parts, to clients of every kind."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import struct
import time
from email import message_from_bytes
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.index.adapters.tls import make
from trustpub.index.kept import File
from trustpub.index.web import sendfile
from trustpub.index.web.app import HTTP_PROTOCOL
from trustpub.index.web.phrase import H11PhrasingProtocol
from trustpub.index.web.ranges import Span, spans

from .conftest import serving

LARGE = hashlib.shake_128(b"a large file").digest(3 * 1024 * 1024 + 17)
SMALL = LARGE[:1000]
WAYS = pytest.mark.parametrize(
    ("protocol", "loop"),
    [(HTTP_PROTOCOL, "auto"), (HTTP_PROTOCOL, "asyncio"), (H11PhrasingProtocol, "asyncio")],
    ids=["uvloop", "asyncio", "h11"],
)


def put(house: Any, content: bytes, filename: str = "hello-1.0-py3-none-any.whl") -> str:
    """Give the index a file with this content; the path of its URL."""
    project = house.project("hello")
    row = File(
        project_id=project.id, filename=filename, version="1.0", filetype="bdist_wheel", size=len(content),
        sha256=hashlib.sha256(content).hexdigest(), blake2b_256=hashlib.blake2b(content, digest_size=32).hexdigest(),
        md5=None, metadata_sha256=None, requires_python=None, uploaded=1.0, token_id="",
    )  # fmt: skip
    with house.blobs.stage() as staged:
        staged.write(content)
        staged.finish()
        staged.keep(row.blake2b_256, filename, None)
    with house.store.write() as writing:
        writing.add_file(row)
    b2 = row.blake2b_256
    return f"/packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{filename}"


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


class Client:
    """A connection that stays open."""

    def __init__(self, port: int, *, receive_bytes: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        self.rest = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def read(self, *, body: bool = True, pause: float = 0.0) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0)) if body else 0
        got = bytearray(self.rest)
        while len(got) < length:
            time.sleep(pause)
            got += self._more()
        content, self.rest = bytes(got[:length]), bytes(got[length:])
        return int(status.split()[1]), headers, content

    def _more(self) -> bytes:
        received = self.socket.recv(65536)
        if not received:
            raise EOFError
        return received

    def get(self, path: str, *headers: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        self.socket.sendall(request(path, *headers, method=method))
        return self.read(body=method != "HEAD")


@WAYS
def test_a_file_arrives_byte_for_byte_again_and_again_on_one_connection(house: Any, protocol: Any, loop: Any) -> None:
    large, small = put(house, LARGE), put(house, SMALL, "hello-1.0-py2-none-any.whl")
    with serving(house.app, protocol, loop) as port, Client(port) as client:
        for path, content in ((large, LARGE), (small, SMALL), (large, LARGE)):
            status, headers, body = client.get(path)
            assert (status, headers["content-length"]) == (200, str(len(content)))
            assert body == content
            assert headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
            assert headers["cache-control"] == "public, max-age=31536000, immutable"
            assert headers["content-type"] == "application/octet-stream"
            assert headers["x-content-type-options"] == "nosniff"
            head = client.get(path, method="HEAD")
            assert (head[0], head[1]["content-length"], head[2]) == (200, str(len(content)), b"")


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_the_kernel_sends_what_is_large(house: Any, loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    by_kernel = os.sendfile

    def counted(*args: int) -> int:
        sent.append(by_kernel(*args))
        return sent[-1]

    monkeypatch.setattr(os, "sendfile", counted)
    large, small = put(house, LARGE), put(house, SMALL, "hello-1.0-py2-none-any.whl")
    with serving(house.app, HTTP_PROTOCOL, loop) as port, Client(port) as client:
        assert client.get(small)[2] == SMALL
        assert sent == []
        assert client.get(large)[2] == LARGE
        assert sum(sent) == len(LARGE)


@WAYS
def test_parts_of_a_large_file(house: Any, protocol: Any, loop: Any) -> None:
    path, size = put(house, LARGE), len(LARGE)
    with serving(house.app, protocol, loop) as port, Client(port) as client:
        for asked, first, last in (
            ("bytes=0-", 0, size - 1),
            ("bytes=5-2000000", 5, 2_000_000),
            ("bytes=-1000000", size - 1_000_000, size - 1),
            ("bytes=-99999999", 0, size - 1),
            ("bytes = 7-7", 7, 7),
            ("bytes=0-500000, 400000-600000,600001-700000", 0, 700_000),  # what touches is one
            ("bytes=100-200,99999999-", 100, 200),  # what is beyond the end is left out
        ):
            status, headers, body = client.get(path, f"Range: {asked}")
            assert (status, headers["content-range"]) == (206, f"bytes {first}-{last}/{size}"), asked
            assert body == LARGE[first : last + 1]
        status, headers, body = client.get(path, f"Range: bytes={size}-")
        assert (status, headers["content-range"], body) == (416, f"bytes */{size}", b"")
        assert client.get(path, "Range: bytes=0-9", method="HEAD")[0] == 200


@WAYS
def test_several_parts_come_as_multipart(house: Any, protocol: Any, loop: Any) -> None:
    path, size = put(house, LARGE), len(LARGE)
    with serving(house.app, protocol, loop) as port, Client(port) as client:
        for wanted in ([(2_000_000, 2_900_000), (10, 800_000)], [(30, 40), (10, 20), (50, 50)]):
            asked = ",".join(f"{first}-{last}" for first, last in wanted)
            status, headers, body = client.get(path, f"Range: bytes={asked}")
            assert status == 206
            assert "content-range" not in headers
            message = message_from_bytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
            parts: Any = message.get_payload()
            assert [part["content-range"] for part in parts] == [f"bytes {a}-{b}/{size}" for a, b in sorted(wanted)]
            assert all(b"\r\n\r\n" + LARGE[first : last + 1] + b"\r\n--trustpub-" in body for first, last in wanted)
        assert client.get(path)[2] == LARGE  # the connection is as good as before


@WAYS
def test_a_range_holds_only_for_the_file_the_client_knows(house: Any, protocol: Any, loop: Any) -> None:
    path = put(house, LARGE)
    etag = f'"{hashlib.sha256(LARGE).hexdigest()}"'
    with serving(house.app, protocol, loop) as port, Client(port) as client:
        assert client.get(path, "Range: bytes=0-9", f"If-Range: {etag}")[0] == 206
        for other in ('"other"', f"W/{etag}", "Wed, 21 Oct 2026 07:28:00 GMT"):
            assert client.get(path, "Range: bytes=0-9", f"If-Range: {other}")[:1] == (200,), other
        for known in (etag, f'"a", W/{etag}', "*"):
            status, headers, _ = client.get(path, f"If-None-Match: {known}", "Range: bytes=0-9")
            assert (status, headers["etag"]) == (304, etag)


@WAYS
def test_answers_that_were_asked_for_at_once_come_one_after_the_other(house: Any, protocol: Any, loop: Any) -> None:
    large, small = put(house, LARGE), put(house, SMALL, "hello-1.0-py2-none-any.whl")
    paths = [small, large, "/healthz", large, small, "/simple/hello/", large]
    with serving(house.app, protocol, loop) as port, Client(port, receive_bytes=4096) as client:
        client.socket.sendall(b"".join(request(path) for path in paths))
        answers = [client.read() for _ in paths]
    assert [status for status, _, _ in answers] == [200] * len(paths)
    for path, (_, _, body) in zip(paths, answers, strict=True):
        if path in (large, small):
            assert body == (LARGE if path == large else SMALL)


@WAYS
def test_a_slow_client_gets_all_of_it_and_holds_nobody_up(house: Any, protocol: Any, loop: Any) -> None:
    path = put(house, LARGE)
    with (
        serving(house.app, protocol, loop) as port,
        Client(port, receive_bytes=4096) as slow,
        Client(port) as quick,
    ):
        slow.socket.sendall(request(path))
        for _ in range(20):
            assert quick.get(path)[2] == LARGE
        assert slow.read(pause=0.0005)[2] == LARGE


@WAYS
def test_a_client_that_leaves_leaves_nothing_behind(house: Any, protocol: Any, loop: Any) -> None:
    path = put(house, LARGE)
    with serving(house.app, protocol, loop) as port, Client(port) as warm:
        warm.get(path)
        before = len(os.listdir("/proc/self/fd"))
        for number in range(12):
            client = Client(port, receive_bytes=4096)
            client.socket.sendall(request(path))
            client.socket.recv(1000)
            if number % 2:  # with a reset instead of a farewell
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
        deadline = time.monotonic() + 10
        while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(os.listdir("/proc/self/fd")) <= before
        assert warm.get(path)[2] == LARGE


def test_a_client_that_takes_nothing_is_given_up(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendfile, "STALL_SECONDS", 0.2)
    content = LARGE * 4
    path = put(house, content)
    with serving(house.app) as port, Client(port, receive_bytes=4096) as client:
        client.socket.sendall(request(path))
        time.sleep(1)
        with pytest.raises((ConnectionResetError, EOFError)):
            client.read()


def test_over_tls_the_bytes_are_the_same(house: Any, tmp_path: Path) -> None:
    path = put(house, LARGE)
    made = make(tmp_path / "tls", ["127.0.0.1"], time.time())
    trusted = ssl.create_default_context(cafile=str(made.ca))
    with serving(house.app, ssl_certfile=made.certificate, ssl_keyfile=made.key) as port, Client(port) as client:
        client.socket = trusted.wrap_socket(client.socket, server_hostname="127.0.0.1")
        for asked, status, content in (("X: y", 200, LARGE), ("Range: bytes=9-1000009", 206, LARGE[9:1_000_010])):
            answer = client.get(path, asked)
            assert (answer[0], answer[2]) == (status, content)


@pytest.mark.parametrize("change", ["shorter", "gone"])
def test_a_damaged_folder_is_no_whole_answer(house: Any, change: str, caplog: pytest.LogCaptureFixture) -> None:
    path = put(house, LARGE)
    [kept] = house.store.path.parent.glob("packages/*/*/*/*.whl")
    if change == "gone":
        kept.unlink()
    else:
        kept.chmod(0o600)
        kept.write_bytes(LARGE[:-1])
    with serving(house.app) as port, Client(port) as client:
        status, _, body = client.get(path)
        assert (status, b"internal-error" in body) == (500, True)
    assert "unexpected" in caplog.text


@given(
    header=st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 30)), st.one_of(st.none(), st.integers(0, 30))), max_size=20
    ),
    size=st.integers(1, 25),
)
def test_parts_are_inside_the_file_in_order_and_apart(header: list[tuple[int | None, int | None]], size: int) -> None:
    text = ",".join(f"{'' if a is None else a}-{'' if b is None else b}" for a, b in header)
    found = spans(f"bytes={text}".encode(), size)
    if found is None:
        return
    wanted = set()
    for a, b in header:
        first = size - min(b or 0, size) if a is None else a
        wanted |= set(range(first, size if a is None or b is None else min(b + 1, size)))
    assert {byte for span in found for byte in range(span.first, span.last + 1)} == wanted
    assert all(one.last + 1 < other.first for one, other in pairwise(found))
    assert sum(span.length for span in found) <= size


@given(st.binary(max_size=30))
def test_no_range_header_breaks_anything(header: bytes) -> None:
    for value in (header, b"bytes=" + header):
        found = spans(value, 100)
        assert found is None or all(0 <= span.first <= span.last < 100 for span in found)


def test_more_parts_than_anybody_needs_are_the_whole_file() -> None:
    assert spans(b"bytes=" + b",".join(b"%d-%d" % (2 * n, 2 * n) for n in range(17)), 1000) is None
    assert spans(b"bytes=0-0,2-2", 1000) == [Span(first=0, last=0), Span(first=2, last=2)]


def test_what_stands_for_sent_bytes_is_as_long_and_empty() -> None:
    sent = sendfile.Sent(7)
    assert (len(sent), bytes(memoryview(sent))) == (7, b"")
