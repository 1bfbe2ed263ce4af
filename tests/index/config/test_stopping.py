# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM in the middle of an upload: that one finishes, who comes now is told to come again, and time is limited."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from ..storage.conftest import Served  # noqa: TID252
from .conftest import Halves

Serve = Callable[..., Served]


def ask(served: Served, path: str = "/simple/") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_an_upload_under_way_finishes_while_new_requests_are_told_to_come_again(
    serve: Serve, token: Callable[..., str]
) -> None:
    served = serve()
    flying = Halves(served, token(served), "1.0")
    time.sleep(0.2)  # until the server has read what there is of it
    served.process.send_signal(signal.SIGTERM)
    found = ask(served)
    until = time.monotonic() + 5
    while found[0] != 503 and time.monotonic() < until:
        found = ask(served)
    status, headers, body = found
    told = json.loads(body)
    assert (status, headers["retry-after"], told["errors"][0]["code"]) == (503, "5", "stopping")
    assert headers["content-type"] == "application/problem+json"
    assert served.process.poll() is None
    assert flying.end()[0] == 200
    assert served.process.wait(10) == 0
    again = serve()
    assert b"big" in ask(again)[2]


def test_an_upload_that_does_not_end_is_cut_off_when_its_time_is_over(serve: Serve, token: Callable[..., str]) -> None:
    served = serve("--stop-seconds", "1")
    flying = Halves(served, token(served), "1.0")
    time.sleep(0.2)
    begun = time.monotonic()
    assert served.stop().code == 0
    assert 1 <= time.monotonic() - begun < 8
    again = serve()
    assert b"big" not in ask(again)[2]
    assert not list((again.data / "staging").iterdir())
    flying.close()


def test_a_second_signal_does_not_wait(serve: Serve, token: Callable[..., str]) -> None:
    served = serve("--stop-seconds", "60")
    flying = Halves(served, token(served), "1.0")
    time.sleep(0.2)
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    begun = time.monotonic()
    assert served.stop().code == 0
    assert time.monotonic() - begun < 10
    flying.close()


def test_a_server_with_nothing_to_do_stops_at_once(serve: Serve) -> None:
    served = serve()
    begun = time.monotonic()
    assert served.stop().code == 0
    assert time.monotonic() - begun < 5
