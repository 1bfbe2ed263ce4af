# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A real server whose PostgreSQL goes away and comes back: 503 with Retry-After, and never anything worse."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.index.storage.conftest import Served, eventually, serve  # noqa: F401 - a fixture
from tests.postgres import PASSWORD, Server

PATHS = ("/simple/", "/simple/hello/", "/_/oidc/audience", "/readyz", "/")


def answers(url: str, path: str, body: bytes | None = None) -> tuple[int, str | None]:
    """Status and Retry-After."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    asked = urllib.request.Request(url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.headers["Retry-After"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]


def test_while_the_database_is_away_all_are_told_to_come_back_and_then_are_served(
    serve: Callable[..., Served],  # noqa: F811
    server: Server,
    tmp_path: Path,
) -> None:
    database = server.create()
    served = serve(env={"TRUSTPUB_POSTGRES_URL": database.url}, data=tmp_path / "index")
    before = {path: answers(served.url, path)[0] for path in PATHS}
    assert before == {"/simple/": 200, "/simple/hello/": 404, "/_/oidc/audience": 200, "/readyz": 200, "/": 200}
    server.kill()
    eventually(lambda: answers(served.url, "/readyz")[0] == 503)
    for path in PATHS:
        status, retry = answers(served.url, path)
        assert status in (200, 503), path
        assert status == 200 or (retry is not None and int(retry) > 0), path
    assert answers(served.url, "/simple/")[0] == 503
    assert answers(served.url, "/healthz")[0] == 200
    status, retry = answers(served.url, "/_/oidc/mint-token", b'{"token": "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"}')
    assert status in (422, 503)
    server.start()
    eventually(lambda: answers(served.url, "/readyz")[0] == 200)
    assert {path: answers(served.url, path)[0] for path in PATHS} == before
    ended = served.stop()
    assert ended.code == 0
    assert "Traceback" not in ended.out + ended.err
    assert PASSWORD not in ended.out + ended.err
    assert not (tmp_path / "index" / "index.db").exists()
