# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may read an index that was just started: everybody, where nobody but this machine can ask; else nobody yet."""

from __future__ import annotations

import base64
import socket
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from .conftest import Ran, Served

Serve = Callable[..., Served]


def status(url: str, token: str | None = None) -> int:
    request = urllib.request.Request(url)
    if token is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), 200),
        (("--private",), 401),
        (("--public-url", "https://index.example"), 401),
        (("--public-url", "https://index.example", "--public"), 200),
    ],
)
def test_reading_needs_a_token_unless_only_this_machine_can_ask(
    serve: Serve, options: tuple[str, ...], wanted: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve("--port", port, *options)
    assert status(f"http://127.0.0.1:{port}/simple/") == wanted
    assert status(f"http://127.0.0.1:{port}/_/oidc/audience") == 200


def test_an_index_that_listens_for_others_is_private(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    everywhere = ".".join("0000")
    serve("--host", everywhere, "--port", port, "--public-url", "http://localhost", "--trusted-proxy", "10.0.0.0/8")
    assert status(f"http://127.0.0.1:{port}/simple/") == 401


def test_a_token_made_beside_the_running_index_reads_at_once_until_it_is_removed(
    serve: Serve, trustpub: Callable[..., Ran]
) -> None:
    served = serve("--private")

    def admin(*words: str) -> str:
        ran = trustpub("admin", *words, "--data", served.data)
        assert ran.code == 0, ran.err
        return ran.out

    admin("user", "add", "ada")
    token = admin("token", "create", "ada", "--scope", "read").splitlines()[-1]
    assert status(f"{served.url}/simple/", token) == 200
    assert status(f"{served.url}/simple/nobody/", token) == 404
    token_id = admin("token", "list").split()[0]
    admin("token", "remove", token_id)
    assert status(f"{served.url}/simple/", token) == 401
    assert token not in served.stop().err
