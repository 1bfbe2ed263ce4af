# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as servers really speak it, well and badly; and connections that threads share."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustpub.connections import IDLE_SECONDS
from trustpub.errors import Unreachable
from trustpub.http import Broken, Http

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def speaking(*answers: bytes | Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers one connection after the other, each with what is given, and closes it; what it heard."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            with contextlib.suppress(OSError):
                client, _ = listening.accept()
                with client:
                    client.settimeout(10)
                    if callable(answer):
                        answer(client)
                    else:
                        heard.append(client.recv(65536))
                        client.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", heard
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(env={}, sleep=lambda _: None, read_seconds=5) as one:
        yield one


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-Trailer: t\r\n\r\n", b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\no\r\n00A\r\nk123456789\r\n0\r\n\r\n",
            b"ok123456789",
        ),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    ],
)
def test_what_servers_say_well(http: Http, answer: bytes, body: bytes) -> None:
    with speaking(answer) as (url, _):
        assert http.request("GET", url).body == body


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\nnow something else\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"H" * 70_000,
    ],
)
def test_what_is_no_answer_is_told_and_read_no_further(http: Http, answer: bytes) -> None:
    with speaking(answer) as (url, _), pytest.raises(Broken, match=r"does not answer in HTTP/1\.1"):
        http.request("GET", url)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
    ],
)
def test_an_answer_that_ends_too_soon_is_none(http: Http, answer: bytes) -> None:
    with speaking(answer) as (url, _), pytest.raises(Broken, match="broke off the connection"):
        http.request("GET", url)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"HTTP/1.1 ", b"200", b" OK", b"\r\n", b"\n", b"Content-Length: 1", b": ", b"x",
                                 b"Transfer-Encoding: chunked", b"1\r\nx\r\n", b"0\r\n\r\n", b"\x00", b"\xff"]),
                max_size=12))  # fmt: skip
def test_any_bytes_are_an_answer_or_a_sentence(pieces: list[bytes]) -> None:
    with speaking(b"".join(pieces)) as (url, _), Http(env={}, read_seconds=5) as http, contextlib.suppress(Unreachable):
        assert 100 <= http.request("GET", url).status <= 999


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nffffffffff\r\n" + b"x" * 6,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000,
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4_000,
    ],
)
def test_more_than_wanted_is_not_read(http: Http, answer: bytes) -> None:
    with speaking(answer) as (url, _), pytest.raises(Unreachable, match="more than 10 bytes"):
        http.request("GET", url, max_bytes=10)


def test_nothing_that_is_asked_can_become_a_header(http: Http) -> None:
    for headers in ({"X": "a\r\nY: b"}, {"X": "a\nY: b"}, {"X\r\nY": "b"}, {"": "b"}, {"X": "\u20ac"}):
        with speaking(OK) as (url, heard), pytest.raises(Unreachable, match="the request is malformed"):
            http.request("GET", url, headers=headers)
        assert b"".join(heard) == b""


def test_a_path_is_encoded_and_a_fragment_stays_here(http: Http) -> None:
    with speaking(OK) as (url, heard):
        http.request("GET", url + "a b/\u00fc%41?q=\u20ac x#part")
    assert heard[0].startswith(b"GET /a%20b/%C3%BC%41?q=%E2%82%AC%20x HTTP/1.1\r\n")
    assert heard[0].count(b"\r\nHost: 127.0.0.1:") == 1


class Large:
    """A body of so many zeros; counts what was read of it."""

    content_type = "application/octet-stream"

    def __init__(self, length: int) -> None:
        self.length = length
        self.sent = 0

    def open(self) -> AbstractContextManager[Any]:
        large = self

        class Opened(io.RawIOBase):
            def read(self, size: int = -1) -> bytes:
                block = bytes(min(size, large.length - large.sent))
                large.sent += len(block)
                return block

        return contextlib.closing(Opened())


def test_a_refusal_that_comes_early_ends_the_upload(http: Http) -> None:
    def refuse(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        time.sleep(0.2)

    body = Large(1 << 30)
    with speaking(refuse) as (url, _):
        assert http.request("POST", url, body=body).status == 413
    assert body.sent < 1 << 26  # what fits into the buffers between


def test_a_hint_on_the_way_does_not_end_an_upload(http: Http) -> None:
    body = Large(3_000_000)
    got: list[int] = []

    def take(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        count = 0
        while count < body.length:
            count += len(client.recv(65536))
        got.append(count)
        client.sendall(OK)

    with speaking(take) as (url, _):
        assert http.request("POST", url, body=body).body == b"ok"
    assert got[0] >= body.length


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(http: Http) -> None:
    with speaking(OK, OK) as (url, heard):
        for _ in range(2):
            assert http.request("POST", url, body=b"x").body == b"ok"
            time.sleep(0.05)  # the server closes
    assert len(heard) == 2


@pytest.mark.parametrize("pieces", [(OK, OK.replace(b"ok", b"no")), (OK + OK.replace(b"ok", b"no"),)])
def test_what_comes_unasked_is_no_answer_to_the_next_request(http: Http, pieces: tuple[bytes, ...]) -> None:
    def forge(client: socket.socket) -> None:
        client.recv(65536)
        for piece in pieces:
            with contextlib.suppress(OSError):
                client.sendall(piece)
            time.sleep(0.05)
        time.sleep(0.3)

    with speaking(forge, OK) as (url, _):
        assert http.request("GET", url).body == b"ok"
        time.sleep(0.15)
        assert http.request("GET", url).body == b"ok"


def test_threads_share_connections_and_each_has_one_to_itself(
    plain: Any, index: Any, certificates: Path, make: Any
) -> None:
    with Http(env={}, ca=str(certificates / "ca.pem")) as http, ThreadPoolExecutor(8) as threads:
        for server in (plain, index):
            server.answer("/", lambda asked: make.Answer(body=asked.body))
            asks = [b'"%d"' % number for number in range(80)]
            answers = list(
                threads.map(lambda body, to=server: http.request("POST", f"{to.url}/", body=body).body, asks)
            )
            assert answers == asks
            assert len({one.peer for one in server.asked}) <= 8


def test_a_connection_made_ready_serves_the_next_request(plain: Any, make: Any) -> None:
    plain.answer("/", make.Answer(body=b"x"))
    with Http(env={}) as http:
        http.prepare(plain.url, connections=3)
        http.connect(plain.url)
        for _ in range(2):
            assert http.request("GET", f"{plain.url}/").body == b"x"
    assert len({one.peer for one in plain.asked}) == 1


def test_a_host_that_is_not_there_is_met_once_by_whoever_prepared(http: Http) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    http.prepare(url)
    with pytest.raises(Broken, match="connection refused"):
        http.request("GET", url)


def test_an_idle_connection_is_not_trusted_for_long() -> None:
    assert IDLE_SECONDS < 5  # many servers close theirs then
