# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index in a process of its own on its first day, an emulated GitHub beside it, and the jobs that run there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.web.stocked import a_wheel
from trustpub.rehearsal.issuers import GitHubIssuer, Run

JOB = Run(
    repository="acme/hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release",
    ref="refs/tags/v1", sha="c0ffee" + "0" * 34,
)  # fmt: skip
HEADERS = (
    "Summary: Says hello", "Author: Ada", "Requires-Python: >=3.9", "License-Expression: MIT",
    "Project-URL: Source, https://example.org/hello", "Description-Content-Type: text/markdown",
)  # fmt: skip
README = """\
# Hello

Says *hello*, and `hello` again.

| Word  | Meaning |
| ----- | ------- |
| hello | hello   |

```python
import hello
```
"""


@dataclass
class House:
    """The index, and the world around it."""

    url: str
    ca: Path
    data: Path
    log: Path
    issuer: GitHubIssuer

    @property
    def first_link(self) -> str:
        """What the index says on its first day to whoever started it."""
        found = re.search(rf"{re.escape(self.url)}/invitation/\S+", self.log.read_text(encoding="utf-8"))
        assert found, self.log.read_text(encoding="utf-8")
        return found[0]

    def admin(self, *words: str) -> str:
        """What `trustpub admin …` says beside the running server."""
        return _ended(_run("admin", *words, "--data", str(self.data)), 0).stdout

    def publish(self, job: Run, version: str, code: int = 0) -> str:
        """Run the job, which does `trustpub publish` with a new release of hello; all that it said."""
        self.issuer.serve(job)
        place = self.data.parent / f"dist-{version}"
        place.mkdir(exist_ok=True)
        wheel = place / f"hello-{version}-py3-none-any.whl"
        wheel.write_bytes(a_wheel("hello", version, *HEADERS, body=README))
        variables = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.issuer.request_token.reveal(),
        }
        done = _run("publish", str(wheel), "--index", self.url, "--ca", str(self.ca), **variables)
        return _ended(done, code).stdout + done.stderr


@contextmanager
def first_day(place: Path, *options: str, port: int = 0) -> Iterator[House]:
    """`trustpub serve` in a new folder, until the end."""
    data, log, port = place / "index", place / "serve.log", port or free_port()
    words = ["serve", "--data", str(data), "--port", str(port), "--tls-dev", "--rehearsal", *options]
    with GitHubIssuer(clock=time.time) as issuer, log.open("wb") as stream:
        argv = [sys.executable, "-m", "trustpub", *words]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
        try:
            url, ca = _wait_for(process, log)
            yield House(url, ca, data, log, issuer)
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> tuple[str, Path]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(encoding="utf-8")
        url, ca = re.search(r"^Index +(https://\S+?)/$", said, re.M), re.search(r"^CA +(/\S+\.pem)\b", said, re.M)
        if url and ca and "/invitation/" in said:
            return url[1], Path(ca[1])
        time.sleep(0.05)
    raise AssertionError(f"the index does not serve: {log.read_text(encoding='utf-8')}")


def free_port() -> int:
    """One on which nobody listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trustpub", *words], env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _ended(done: subprocess.CompletedProcess[str], code: int) -> subprocess.CompletedProcess[str]:
    assert done.returncode == code, f"{done.args[2:5]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
