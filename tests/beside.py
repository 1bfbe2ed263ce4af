# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Other programs' servers, from when they answer to the end of a block."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(argv: list[str], url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server, in the folder of its log, from when it answers at ``url`` until the block ends."""
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 60
        while not answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    """Whether a server speaks HTTP there, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
