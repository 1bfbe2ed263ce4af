# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A server that serves one connection after the other: what is connected to it ahead of time must not keep it busy."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest


class _Simple(BaseHTTPRequestHandler):
    """Knows nothing of Trusted Publishing, as many a small index."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def simple() -> Iterator[str]:
    """Its address."""
    server = HTTPServer(("127.0.0.1", 0), _Simple)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("command", [["mint", "--print"], ["publish"], ["whoami"]], ids=lambda words: words[0])
def test_it_is_asked_at_once_over_every_connection(
    simple: str, command: Sequence[str], dist: Path, tmp_path: Path
) -> None:
    env = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/idtoken",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "never-used",
    }
    argv = [sys.executable, "-m", "trustpub", *command, "--index", simple]
    # A connection that nothing is sent over would keep the server until we give up on the other: 30 seconds.
    for _ in range(3):
        done = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 4, done.stderr
        assert "is an index without Trusted Publishing" in done.stderr
