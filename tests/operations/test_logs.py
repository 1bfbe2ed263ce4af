# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The log, the ids of requests in it, and what is never in it."""

from __future__ import annotations

import base64
import json
import logging
import re
import secrets
import socket
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.index.logs import FACTS, REQUEST, JsonLines, TextLines, without_tokens

from .conftest import Index, run_index

MADE = re.compile(r"[0-9a-f]{32}\Z")
EVERY = {"time", "level", "logger", "message"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("logs")
    with run_index(folder, '[log]\nformat = "json"\n', "--rehearsal") as served:
        served.register()
        yield served


def lines(index: Index) -> list[dict[str, Any]]:
    """Those of the log; what the program says beside it begins with a bullet."""
    return [json.loads(one) for one in index.log().splitlines() if one.startswith("{")]


def of_request(index: Index, request: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(index.logged(f'"request": "{request}"'))
    return found


def test_a_line_of_json_says_who_what_and_how_it_went(index: Index) -> None:
    answer = index.ask("/simple/hello%20there/?secret=query", headers={"User-Agent": "somebody"})
    line = of_request(index, answer.headers["x-request-id"])
    assert set(line) == EVERY | {"request", "client", "method", "path", "status", "milliseconds", "problem"}
    assert (line["client"], line["method"], line["path"]) == ("127.0.0.1", "GET", "/simple/hello there/")
    assert (line["status"], line["problem"], line["level"], line["logger"]) == (
        404, answer.json()["errors"][0]["code"], "info", "trustpub.access",
    )  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["milliseconds"] >= 0


def test_every_line_is_an_object_of_ascii(index: Index) -> None:
    index.ask("/" + urllib.parse.quote('a"b\\c\n{d\r\x1b[31m\u202eé'))
    index.ask("/x", headers={"X-Request-ID": "abcdefgh-1"})
    whole = index.log()
    assert whole.isascii() or all(one.startswith("•") for one in whole.splitlines() if not one.isascii())
    assert all(set(one) >= EVERY for one in lines(index))
    assert "\x1b" not in whole


@pytest.mark.parametrize(
    "sent",
    ["0f8fad5b-d9cb-469f-a165-70867728950e", "3f" * 16, "ABCdef12", "a" * 64, "01JQ8ZK4X9V0B6W1M3T5N7R2PD"],
)
def test_an_id_that_is_fit_for_a_log_is_taken(index: Index, sent: str) -> None:
    answer = index.ask("/healthz", headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == sent
    assert of_request(index, sent)["path"] == "/healthz"


@pytest.mark.parametrize(
    "sent", ["", "short", "a" * 65, "two words", "{json}", '"quoted-id"', "a/b/c/d/e/f", "-abcdefgh", "a.b.c.d.e"]
)  # fmt: skip
def test_another_is_replaced(index: Index, sent: str) -> None:
    answer = index.ask("/healthz", headers={"X-Request-ID": sent})
    assert MADE.match(answer.headers["x-request-id"])


def test_a_problem_names_its_request(index: Index) -> None:
    for path, how in (
        ("/_/oidc/mint-token", {"method": "POST", "body": b"{}"}),
        ("/simple/nothing/", {}),
        ("/legacy/", {"method": "POST", "body": b"x", "headers": {"Accept": "application/json"}}),
        ("/api/v1/projects", {"method": "POST", "body": b"{"}),
        ("/nowhere/at/all", {"headers": {"Accept": "application/json"}}),
    ):
        answer = index.ask(path, **how)
        assert answer.status >= 400, path
        assert answer.json()["instance"].endswith(f"/#request-{answer.headers['x-request-id']}"), path
        assert of_request(index, answer.headers["x-request-id"])["problem"]


def test_ids_are_not_made_twice(index: Index) -> None:
    assert len({index.ask("/healthz").headers["x-request-id"] for _ in range(50)}) == 50


def test_lines_for_people_have_the_id_too(tmp_path: Path) -> None:
    with run_index(tmp_path, "") as plain:
        answer = plain.ask("/healthz")
        line = plain.logged(answer.headers["x-request-id"])
    assert re.search(r" INFO [0-9a-f]{32} trustpub\.access 127\.0\.0\.1 GET /healthz 200 \d+ ms$", line)


def test_the_level_is_kept_to(tmp_path: Path) -> None:
    with run_index(tmp_path, '[log]\nlevel = "error"\nformat = "json"\n') as silent:
        silent.ask("/healthz")
        silent.stop()
        assert lines(silent) == []


def test_no_token_is_in_the_log_wherever_it_was_sent(index: Index) -> None:
    identity = index.identity_token(number=secrets.randbelow(10**9))
    minted = index.ask("/_/oidc/mint-token", method="POST", body=json.dumps({"token": identity}).encode())
    assert minted.status == 200, minted.text
    token = minted.json()["token"]
    password = secrets.token_urlsafe(24)
    basic = "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode()
    for secret in (identity, token):
        quoted, twice = urllib.parse.quote(secret, safe=""), "".join(f"%{ord(one):02x}" for one in secret)
        for path in (secret, quoted, twice, twice.replace("%", "%25"), f"simple/{secret}/", f"packages/{secret}"):
            index.ask(f"/{path}"[:60_000])
            index.ask(f"/legacy/{path}"[:60_000], method="POST", body=secret.encode())
        index.ask(f"/simple/?token={secret}&password={password}")
        index.ask("/simple/", headers={"X-Request-ID": secret, "User-Agent": secret, "Cookie": f"a={secret}"})
        index.ask("/simple/", headers={"Host": secret[:200], "X-Forwarded-For": secret, "Accept": secret})
        index.ask("/legacy/", method="POST", body=secret.encode(), headers={"Content-Type": secret[:500]})
        index.ask("/api/v1/projects", headers={"Authorization": f"Bearer {secret}"})
        index.ask("/_/oidc/mint-token", method="POST", body=json.dumps({secret: {secret: secret}}).encode())
        index.ask("/_/oidc/mint-token", method="POST", body=json.dumps({"token": secret + "x"}).encode())
        _raw(index, f"GET http://u:{password}@h/{secret} HTTP/1.1\r\nHost: x\r\n\r\n")
        _raw(index, f"{secret} / HTTP/1.1\r\n\r\n")
        _raw(index, f"{secret}\r\n\r\n")
    index.ask("/legacy/", method="POST", body=b"x", headers={"Authorization": basic})
    index.ask("/simple/", headers={"Authorization": f"Basic {base64.b64encode(f'ada:{password}'.encode()).decode()}"})
    index.ask("/sign-in", method="POST", body=f"name=ada&password={password}".encode())
    last = index.ask("/healthz")
    of_request(index, last.headers["x-request-id"])
    said = index.log()
    assert password not in said
    assert basic not in said
    for secret in (identity, token):
        header, _, rest = secret.partition(".")
        for part in (secret, rest or header):
            # Not even a piece that is long enough to be of use.
            pieces = (part[at : at + 24] for at in range(0, len(part) - 24, 12))
            assert not [one for one in pieces if one in said]


@given(st.text(st.characters(categories=("Ll", "Nd"), max_codepoint=127), max_size=60))
def test_ordinary_paths_stay_as_they_are(name: str) -> None:
    for path in (f"/simple/{name}/", f"/packages/ab/cd/{'e' * 60}/{name}-1.0-py3-none-any.whl", f"/p/{name}"):
        assert without_tokens(path) == path


def test_an_exception_says_where_and_not_what() -> None:
    try:
        raise ValueError("pypi-secret-of-somebody")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", None, sys.exc_info())
    for lines_of in (TextLines(), JsonLines()):
        said = lines_of.format(record)
        assert "secret" not in said
        assert "ValueError" in said
        assert "test_logs.py:" in said
    assert json.loads(JsonLines().format(record))["exception"] == "ValueError"


def test_facts_are_looked_through_as_sentences_are() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "said %s", ("eyJhbGciOiJSUzI1NiJ9.payload.signature",), None)
    setattr(record, FACTS, {"path": "/pypi-AgEIcHlwaS5vcmcCJDU3", "status": 200, "nothing": None})
    seen = REQUEST.set("0123456789abcdef")
    try:
        line = json.loads(JsonLines().format(record))
    finally:
        REQUEST.reset(seen)
    assert line["message"] == "said eyJ…"
    assert (line["path"], line["status"], line["nothing"]) == ("/pypi-…", 200, None)
    assert line["request"] == "0123456789abcdef"


def _raw(index: Index, request: str) -> None:
    with socket.create_connection(("127.0.0.1", index.port)) as connection:
        connection.sendall(request.encode())
        connection.settimeout(0.1)
        try:
            connection.recv(1000)
        except (TimeoutError, ConnectionError):
            pass
