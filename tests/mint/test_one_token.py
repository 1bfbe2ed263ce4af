# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One identity token makes one upload token, whoever asks how often at once, and whatever happens to the server."""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted

ISSUER = "https://ci.test/_services/token"
CONNECTIONS = 64
OTHERS = 20
"""Requests with another body, which is another client's: fewer than are turned away for coming too often."""
PATIENCE = 60.0


@dataclass
class Crowd:
    """What many clients were told who all hold one identity token."""

    port: int
    wanted: int
    body: bytes
    other_body: bytes
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    broken: int = 0
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_body(self) -> bytes | None:
        """What to send next. Only when somebody has the token for sure, others come with it as well."""
        with self.lock:
            if self.sent >= self.wanted:
                return None
            self.sent += 1
            late = self.sent > self.wanted - OTHERS and self.answers
            return self.other_body if late else self.body

    def work(self) -> None:
        """One connection, opened anew when it breaks. What could not be sent is sent later."""
        until = time.monotonic() + PATIENCE
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while (body := self.next_body()) is not None:
            while connection.sock is None and time.monotonic() < until:
                try:
                    connection.connect()
                except OSError:  # nobody there at the moment
                    connection.close()
                    time.sleep(0.02)
            try:
                connection.request("POST", "/_/oidc/mint-token", body)
                response = connection.getresponse()
                answer = (response.status, json.loads(response.read()))
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                with self.lock:
                    self.broken += 1
                continue
            with self.lock:
                self.answers.append(answer)
        connection.close()


def command(data: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", str(port), "--json"]


@contextmanager
def serving(data: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that listens; killed at the end."""
    process = subprocess.Popen(command(data, port), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("{")), "")
        assert line, "the server did not start"
        yield process, urlsplit(json.loads(line)["url"]).port or 0
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate(timeout=30)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def bodies(data: Path, signing_key: RSAKey) -> tuple[bytes, bytes]:
    """An index that knows the issuer and a publisher; and one identity token, in the bodies of two clients."""
    with open_folder(data, create=True, rehearsal=True, local_url="http://localhost:8080") as opened:
        fields = {
            "repository": "octo-org/hello", "workflow": "release.yml", "environment": "release",
            "owner_id": "123456", "repository_id": "456789",
        }  # fmt: skip
        opened.issuers.add(ISSUER, "github", jwks={"keys": [signing_key.as_dict(private=False)]})
        opened.publishers.add(Wanted(project="hello", kind="github", issuer=ISSUER, fields=fields, pending=True))
        audience = opened.audience
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": audience, "iat": now, "exp": now + 600, "jti": "the-only-one",
        "sub": "repo:octo-org/hello:environment:release", "repository": "octo-org/hello", "repository_id": "456789",
        "repository_owner": "octo-org", "repository_owner_id": "123456",
        "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1", "ref": "refs/tags/v1",
        "sha": "f" * 40, "event_name": "push", "environment": "release",
    }  # fmt: skip
    token = jwt.encode({"alg": "RS256", "typ": "JWT", "kid": "key-1"}, claims, signing_key)
    return json.dumps({"token": token}).encode(), json.dumps({"token": token, "note": "found in a log"}).encode()


@pytest.mark.parametrize("answered", [0, 40], ids=["at the first answer", "later"])
@pytest.mark.parametrize("mints", [200, pytest.param(1000, marks=pytest.mark.long)])
def test_one_identity_token_makes_one_token_through_a_kill_and_a_restart(
    data: Path, bodies: tuple[bytes, bytes], mints: int, answered: int
) -> None:
    with serving(data) as (first, port):
        crowd = Crowd(port, mints, *bodies)
        threads = [threading.Thread(target=crowd.work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        while not (len(crowd.answers) > answered or (answered == 0 and crowd.sent >= CONNECTIONS)):
            time.sleep(0.0005)
        first.kill()
    before = len(crowd.answers)
    with serving(data, port):
        for thread in threads:
            thread.join(PATIENCE)
    assert before < mints - CONNECTIONS, "the kill came too late to be in the middle"
    assert len(crowd.answers) + crowd.broken == mints
    assert crowd.broken <= 2 * CONNECTIONS  # whoever is quick meets the end of the first server twice
    told = Counter(status for status, _ in crowd.answers)
    assert set(told) <= {200, 422}, told
    assert told[422] <= OTHERS
    assert {answer["token"] for status, answer in crowd.answers if status == 200} != set()
    assert len({answer["token"] for status, answer in crowd.answers if status == 200}) == 1
    assert {answer["errors"][0]["code"] for status, answer in crowd.answers if status == 422} <= {"invalid-reuse-token"}
    with closing(sqlite3.connect(data / "index.db")) as database:
        counted = database.execute("SELECT (SELECT count(*) FROM tokens), (SELECT count(*) FROM claims)")
        assert counted.fetchone() == (1, 1)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
