# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a gateway shows: the way to the index behind it, the same whatever is there; and what it must be started as."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.compat.conftest import free_port

from .conftest import PASSWORD, Bench, wheel


def asked(bench: Bench, path: str, method: str = "GET") -> tuple[int, str | None]:
    """Status and ``Location``, for redirects are not followed."""
    where = urlsplit(bench.gate.url)
    context = ssl.create_default_context(cafile=bench.gate.ca)
    connection = http.client.HTTPSConnection(where.hostname or "", where.port, context=context, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Location"]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/simple", "/simple/"),
        ("/simple/", "/simple/"),
        ("/simple/hello/", "/simple/hello/"),
        ("/simple/Hello_World", "/simple/hello-world/"),
        ("/simple/hello/?format=application/vnd.pypi.simple.v1%2Bjson",
         "/simple/hello/?format=application/vnd.pypi.simple.v1%2Bjson"),
        (f"/packages/aa/bb/{'c' * 60}/Hello_World-1.0-py3-none-any.whl", "/simple/hello-world/"),
        (f"/packages/aa/bb/{'c' * 60}/hello-1.0.tar.gz.metadata", "/simple/hello/"),
    ],
)  # fmt: skip
def test_readers_are_sent_to_the_index_behind(calm: Bench, path: str, there: str) -> None:
    assert asked(calm, path) == (302, calm.wire.url + there)
    assert asked(calm, path, "HEAD") == (302, calm.wire.url + there)


@pytest.mark.parametrize(
    "path",
    ["/simple/../x/", "/simple/a/b/", "/simple/%0d%0aX/", "/packages/x", "/pypi/hello/json", "/legacy/+simple/hello/"],
)
def test_what_leads_nowhere_is_not_there(calm: Bench, path: str) -> None:
    assert asked(calm, path) == (404, None)


def test_pages_take_no_other_method(calm: Bench) -> None:
    assert asked(calm, "/simple/hello/", "POST")[0] == 405


def test_its_own_pages_are_as_on_every_index(calm: Bench, tmp_path: Path) -> None:
    token = calm.token("shown-here")
    assert calm.gate.send(token, wheel(tmp_path, "shown-here")).status == 200
    context = ssl.create_default_context(cafile=calm.gate.ca)
    with urllib.request.urlopen(f"{calm.gate.url}/.well-known/pytp?discover=%2Flegacy%2F", context=context) as answer:
        assert b"mint" in answer.read()
    with urllib.request.urlopen(f"{calm.gate.url}/project/shown-here/", context=context) as answer:
        assert b"shown_here-1.0-py3-none-any.whl" in answer.read()


def test_a_new_password_in_its_file_holds_from_the_next_upload_on(calm: Bench, tmp_path: Path) -> None:
    token = calm.token("new-password")
    file = calm.gate.data.parent / "password"
    file.write_text("another-than-before\n", encoding="utf-8")
    try:
        refused = calm.gate.send(token, wheel(tmp_path, "new-password"))
        assert refused.status == 502
        assert b"upstream-barred" in refused.body
    finally:
        file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    assert calm.gate.send(token, wheel(tmp_path, "new-password")).status == 200


def served(data: Path, *more: str) -> str:
    """What `trustpub serve` says that does not get as far as serving."""
    argv = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", str(free_port()), *more]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ('upstream = "http://packages.example.com/"', "http"),
        ('upstream = "https://me:secret-in-url@packages.example.com/"', "gateway.upstream"),
        ('upstream = "https://packages.example.com/"\nca = "nowhere.pem"', "nowhere.pem"),
        ('user = "ada"', "gateway.user"),
    ],
)
def test_what_cannot_be_behind_it_is_said_at_the_start(tmp_path: Path, lines: str, wanted: str) -> None:
    settings = tmp_path / "trustpub.toml"
    settings.write_text(f"[gateway]\n{lines}\n", encoding="utf-8")
    said = served(tmp_path / "index", "--config", str(settings))
    assert wanted in said
    assert "secret-in-url" not in said
