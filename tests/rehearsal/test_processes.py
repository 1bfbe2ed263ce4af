# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Programs are ended with all they started, however stubborn."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.rehearsal.conftest import processes_below
from trustpub.errors import Unreachable
from trustpub.rehearsal.processes import Children, Running

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) == 2:
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "again"])
print("ready", flush=True)
time.sleep(60)
"""


def start(children: Children, folder: Path) -> Running:
    script = folder / "stubborn.py"
    script.write_text(STUBBORN, "utf-8")
    running = children.start([sys.executable, str(script), "x"], env=os.environ, cwd=folder, log=folder / "log")
    deadline = time.monotonic() + 20
    while running.output().count("ready") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return running


def test_what_ignores_the_request_is_killed_and_so_is_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustpub.rehearsal.processes.GRACE_SECONDS", 0.3)
    with Children() as children:
        start(children, tmp_path)
        assert len(processes_below(tmp_path)) == 2
    deadline = time.monotonic() + 10
    while processes_below(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_that_is_left_goes_on(tmp_path: Path) -> None:
    with Children() as children:
        running = children.start(["sleep", "60"], env=os.environ, cwd=tmp_path, log=tmp_path / "log")
        children.leave(running)
    try:
        os.kill(running.process.pid, 0)
    finally:
        os.kill(running.process.pid, signal.SIGKILL)
        os.waitpid(running.process.pid, 0)


def test_what_takes_too_long_is_ended_and_said(tmp_path: Path) -> None:
    with Children() as children:
        with pytest.raises(Unreachable, match="not done after 0 seconds"):
            children.run(["sleep", "60"], env=os.environ, cwd=tmp_path, seconds=0.1)
        running = children.start(["sleep", "60"], env=os.environ, cwd=tmp_path, log=tmp_path / "log")
        with pytest.raises(Unreachable, match="sleep 60 was not done"):
            children.wait(running, seconds=0.1)
        assert running.ended()


def test_output_goes_through_memory_both_streams_or_apart(tmp_path: Path) -> None:
    code = "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)"
    with Children() as children:
        both = children.run([sys.executable, "-uc", code], env=os.environ, cwd=tmp_path, seconds=30)
        apart = children.run([sys.executable, "-uc", code], env=os.environ, cwd=tmp_path, seconds=30, apart=True)
    assert (both.code, both.output, both.errors) == (3, "a\nb\n", "")
    assert (apart.code, apart.output, apart.errors) == (3, "a\n", "b\n")
    assert both.tail(1) == "b"
    assert list(tmp_path.iterdir()) == []
