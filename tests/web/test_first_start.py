# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The program as it is started for the first time, on plain HTTP here: from the printed link to an account."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from .door import PASSWORD, TOKEN


@contextmanager
def greeted(data: Path) -> Iterator[str]:
    """The link that a server prints while it serves."""
    command = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            link = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+/invitation/\S+", line)))
            yield link
        finally:
            process.terminate()
            process.wait(20)


def said(data: Path, *options: str) -> str:
    """All that a server prints before it is told to stop."""
    command = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://localhost:(\d+)", first)
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
        connection.request("GET", "/healthz")  # answered once the greeting is written
        assert connection.getresponse().read() == b"ok\n"
        connection.close()
        process.terminate()
        return first + process.stdout.read()


def test_the_printed_link_makes_the_first_administrator_over_plain_http(tmp_path: Path) -> None:
    with greeted(tmp_path / "index") as link:
        found = re.match(r"http://localhost:(\d+)(/invitation/\S+)", link)
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
        connection.request("GET", found[2])
        page = connection.getresponse()
        token = TOKEN.search(page.read().decode())
        guest = (page.headers["set-cookie"] or "").partition(";")[0]
        assert token is not None
        fields = {"csrf": token[1], "name": "root", "email": "", "password": PASSWORD, "again": PASSWORD}
        headers = {
            "content-type": "application/x-www-form-urlencoded", "cookie": guest, "origin": f"http://localhost:{found[1]}",
        }  # fmt: skip
        connection.request("POST", found[2], urlencode(fields), headers)
        made = connection.getresponse()
        made.read()
        assert made.status == 303
        session = next(
            one.partition(";")[0] for one in made.headers.get_all("set-cookie") or () if one.startswith("session=")
        )
        connection.request("GET", "/manage/account/", headers={"cookie": session})
        account = connection.getresponse().read().decode()
        assert "You are <strong>root</strong>, an administrator of this index" in account
        connection.close()
    assert "/invitation/" not in said(tmp_path / "index")


def test_what_a_job_reads_has_no_link_in_it(tmp_path: Path) -> None:
    assert "/invitation/" not in said(tmp_path / "index", "--json")
