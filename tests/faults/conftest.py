# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index in a process that may be killed at any moment, and started again on what it left."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trustpub.index.adapters.checking import Checked, check
from trustpub.index.bootstrap.opening import open_folder

from .uploading import Client

START_SECONDS = 90


def trustpub(*arguments: object, within: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    command = [*within, sys.executable, "-m", "trustpub", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def wrong(data: Path) -> list[dict[str, str]]:
    """All that is not as it should be in an index's folder, as if nobody served it."""
    with open_folder(data, create=False) as folder:
        found = check(folder.store, folder.blobs, time.time, Checked(), served=False)
        return [dataclasses.asdict(one) for one in found]


# SQLite follows /proc/PID/root to where that leads in its own namespace, so that it must be run in the other.
_CHECK = """
import dataclasses, json, pathlib, sys, time
from trustpub.index.adapters.checking import Checked, check
from trustpub.index.bootstrap.opening import open_folder
with open_folder(pathlib.Path(sys.argv[1]), create=False) as folder:
    found = check(folder.store, folder.blobs, time.time, Checked(), served=False)
    print(json.dumps([dataclasses.asdict(one) for one in found]))
"""


@dataclass
class Index:
    """``trustpub serve`` on one folder, as often as wanted."""

    data: Path
    log: Path
    token: str = ""
    url: str = ""
    within: Sequence[str] = ()
    """What the server is started through."""
    said: list[str] = field(default_factory=list)
    """On its standard error, by all its runs."""
    process: subprocess.Popen[str] | None = None
    config: Path | None = None
    """What it is started with besides."""

    @property
    def configured(self) -> Sequence[object]:
        """The options of every command that opens the folder."""
        return ["--data", self.data, *(["--config", self.config] if self.config else [])]

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def launch(self) -> subprocess.Popen[str]:
        """Start it, and do not wait until it listens."""
        command = ["serve", *self.configured, "--port", "0", "--json"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.within, sys.executable, "-m", "trustpub", *map(str, command)],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        return self.process

    def start(self) -> None:
        process = self.launch()
        watchdog = threading.Timer(START_SECONDS, process.kill)
        watchdog.start()
        assert process.stdout is not None
        line = process.stdout.readline()
        watchdog.cancel()
        assert line.startswith("{"), self.log.read_text()[-2000:]
        self.url = json.loads(line)["url"]

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, number: int = signal.SIGKILL) -> int:
        """Send a signal that ends it, and wait for that."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def client(self) -> Client:
        return Client(self.url, self.token)

    def wrong(self) -> list[Any]:
        """All that is not as it should be in the folder, with nothing overlooked because of a server."""
        if self.within:
            command = [*self.within, sys.executable, "-c", _CHECK, str(self.data)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
            found: list[Any] = json.loads(done.stdout)
            return found
        return wrong(self.data)

    def tidied(self) -> list[Any]:
        """:meth:`wrong`, once the server has had time for what a crash left: it serves before it has tidied up."""
        until = time.monotonic() + 30
        while (found := self.wrong()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def give_token(self) -> None:
        """A user who may make projects, and a token."""
        assert trustpub("admin", "user", "add", "alice", *self.configured, within=self.within).returncode == 0
        made = trustpub("admin", "token", "create", "alice", "--scope", "upload", *self.configured, within=self.within)
        assert made.returncode == 0, made.stderr
        self.token = made.stdout.strip()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index(tmp_path / "index", tmp_path / "log")
    index.start()
    index.give_token()
    yield index
    with contextlib.suppress(ProcessLookupError):
        index.end()
