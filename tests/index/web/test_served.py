# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Over a real socket: reasons in the status line, and answers that reach those who are still sending."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from trustpub.index.web.app import HTTP_PROTOCOL
from trustpub.index.web.phrase import H11PhrasingProtocol, phrase

from .conftest import serving

PROTOCOLS = pytest.mark.parametrize("protocol", [HTTP_PROTOCOL, H11PhrasingProtocol])
Talk = Callable[[bytes], bytes]


def talk(port: int, *chunks: bytes) -> bytes:
    """Send all chunks, then read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
        answer = b""
        while received := connection.recv(65536):
            answer += received
        return answer


@PROTOCOLS
def test_the_status_line_says_why(house: Any, protocol: Any) -> None:
    with serving(house.app, protocol) as port:
        request = b"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        line, _, rest = talk(port, request).partition(b"\r\n")
        assert line.startswith(b"HTTP/1.1 403 Invalid or non-existent authentication information")
        assert rest.lower().count(b"content-length") == 1
        plain = talk(port, b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert plain.startswith(b"HTTP/1.1 404 Not Found\r\n")


@PROTOCOLS
def test_phrases_do_not_leak_into_the_next_response(house: Any, protocol: Any) -> None:
    refused = b"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    found = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serving(house.app, protocol) as port:
        answer = talk(port, refused + found)
    assert answer.startswith(b"HTTP/1.1 403 Invalid or")
    assert b"\r\nHTTP/1.1 200 OK\r\n" in answer or b"HTTP/1.1 200 OK\r\n" in answer


@PROTOCOLS
def test_one_who_sends_all_before_reading_gets_the_answer(house: Any, protocol: Any) -> None:
    size = 4 * 1024 * 1024
    head = f"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    with serving(house.app, protocol) as port:
        answer = talk(port, head, b"x" * size)
    assert answer.startswith(b"HTTP/1.1 403 Invalid or")
    assert b"invalid or non-existent" in answer.lower()


@PROTOCOLS
def test_one_who_never_sends_the_body_is_answered_and_let_go(house: Any, protocol: Any) -> None:
    with serving(house.app, protocol) as port:
        began = time.monotonic()
        answer = talk(port, b"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert time.monotonic() - began < 15


@PROTOCOLS
def test_a_client_that_asks_first_is_refused_without_sending(house: Any, protocol: Any) -> None:
    request = b"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
    with serving(house.app, protocol) as port:
        answer = talk(port, request)
    assert answer.startswith(b"HTTP/1.1 403 ")


@PROTOCOLS
def test_an_upload_over_a_socket_is_taken(site: Any, protocol: Any) -> None:
    content, name = site.wheel(), "hello-1.0-py3-none-any.whl"
    body = site.multipart(site.form(content, name), content, name)
    authorization = site.publishing().headers["Authorization"]
    head = (
        f"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        f"Authorization: {authorization}\r\nExpect: 100-continue\r\n"
        "Content-Type: multipart/form-data; boundary=a-boundary-of-ours\r\n\r\n"
    )
    with serving(site.house.app, protocol) as port:
        answer = talk(port, head.encode(), *(body[at : at + 100] for at in range(0, len(body), 100)))
    assert b"HTTP/1.1 200 OK\r\n" in answer
    assert len(site.files("hello")) == 1


@PROTOCOLS
def test_one_who_hangs_up_leaves_nothing_behind(site: Any, protocol: Any) -> None:
    authorization = site.publishing().headers["Authorization"]
    content, name = b"x" * 500_000, "hello-1.0-py3-none-any.whl"
    body = site.multipart(site.form(content, name), content, name)
    head = (
        f"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 5_000_000}\r\n"
        f"Authorization: {authorization}\r\n"
        "Content-Type: multipart/form-data; boundary=a-boundary-of-ours\r\n\r\n"
    )
    with serving(site.house.app, protocol) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head.encode() + body[:-1000] * 4)
        time.sleep(0.3)
    assert site.house.staged() == 0


def test_a_phrase_is_one_line_of_latin_1() -> None:
    assert phrase("no\r\nSet-Cookie: x\x00\x85 é ☃") == "no Set-Cookie: x  é ?".encode("latin-1")
    assert len(phrase("x" * 10_000)) <= 500
