# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The process that looks after others: real processes and real signals, with a small program as the worker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# What a worker is to the parent: it hears what it is told, says that it is up, and answers on the shared socket.
WORKER = """
import os, signal, socket, sys, threading, time
from trustpub.index.workers.channel import UP, hear
line, listening = (socket.socket(fileno=int(one)) for one in sys.argv[1:])
how = hear(line).decode()
place = os.environ["PLACE"]
if how == "dies":
    print("I will not serve", file=sys.stderr)
    sys.exit(3)
if how == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "once" and os.path.exists(place + "/broken"):
    sys.exit(4)

def parent():
    line.recv(16)
    os._exit(0)  # its end, or the word that another has taken our place

threading.Thread(target=parent, daemon=True).start()
line.sendall(UP)
while True:
    taken, _ = listening.accept()
    with taken:
        taken.sendall(str(os.getpid()).encode())
"""
PARENT = """
import json, logging, os, socket, sys
from trustpub.errors import TrustpubError
from trustpub.index.workers.parent import Parent
logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen(64)
how, count, grace = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
gone = open(os.environ["PLACE"] + "/gone", "a", buffering=1)
try:
    Parent(
        (sys.executable, os.environ["PLACE"] + "/worker.py"), how.encode(), (listening,), count=count, grace=grace,
        started=lambda: print(json.dumps(listening.getsockname()[1]), flush=True),
        gone=lambda pid: print(pid, file=gone),
    ).run()
except TrustpubError as error:
    print(error.message, file=sys.stderr)
    sys.exit(4)
"""


@dataclass
class Family:
    place: Path
    process: subprocess.Popen[str]
    port: int

    def asked(self) -> int:
        """The worker that answers."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as one:
            return int(one.recv(100))

    def workers(self) -> set[int]:
        """All that live now."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return {int(one) for one in found.stdout.split()}

    def log(self) -> str:
        return (self.place / "log").read_text()

    def await_said(self, sentence: str, times: int = 1) -> None:
        until = time.monotonic() + 30
        while self.log().count(sentence) < times:
            assert time.monotonic() < until, self.log()
            time.sleep(0.01)

    def gone(self) -> list[int]:
        return [int(one) for one in (self.place / "gone").read_text().split()]


@contextlib.contextmanager
def family(place: Path, how: str = "serves", count: int = 2, grace: float = 20) -> Iterator[Family]:
    (place / "worker.py").write_text(WORKER)
    with (place / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, how, str(count), str(grace)],
            stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "PLACE": str(place)},
        )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
    try:
        yield Family(place, process, json.loads(line) if line else 0)
    finally:
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def await_gone(pid: int) -> None:
    until = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_all_are_up_before_it_is_said_and_each_answers(tmp_path: Path) -> None:
    with family(tmp_path, count=3) as one:
        assert len(one.workers()) == 3
        assert one.asked() in one.workers()
        assert one.log().count("is up") == 3


def test_a_worker_that_is_killed_is_replaced_and_no_connection_is_refused(tmp_path: Path) -> None:
    with family(tmp_path) as one:
        for _ in range(2):
            killed = one.asked()
            os.kill(killed, signal.SIGKILL)
            await_gone(killed)
            assert one.asked() != killed
            until = time.monotonic() + 20
            while len(one.workers() - {killed}) < 2:
                assert time.monotonic() < until
                assert one.asked() != killed
        assert "was ended by SIGKILL; another starts in" in one.log()
        assert len(one.gone()) == 2


def test_who_dies_soon_again_and_again_has_to_wait_longer_each_time(tmp_path: Path) -> None:
    with family(tmp_path, count=1) as one:
        for number, pause in enumerate(("0.5", "1.0"), 1):
            one.await_said("is up", number)
            os.kill(one.asked(), signal.SIGKILL)
            one.await_said(f"another starts in {pause} s")


def test_where_none_comes_up_it_is_said_and_ends(tmp_path: Path) -> None:
    with family(tmp_path, how="dies") as one:
        assert one.process.wait(30) == 4
        assert "I will not serve" in one.log()
        assert "ended with code 3; another starts in 0.5 s" in one.log()
        assert one.log().endswith("The workers of the index do not start; what they said stands above.\n")
        assert one.workers() == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_them_and_is_no_fault(tmp_path: Path, number: signal.Signals) -> None:
    with family(tmp_path) as one:
        workers = one.workers()
        one.process.send_signal(number)
        assert one.process.wait(20) == 0
        assert not any(alive(pid) for pid in workers)
        assert sorted(one.gone()) == sorted(workers)
        with pytest.raises(ConnectionRefusedError):
            one.asked()


def test_who_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    with family(tmp_path, how="deaf", count=1, grace=0.3) as one:
        (worker,) = one.workers()
        one.process.terminate()
        assert one.process.wait(20) == 0
        assert not alive(worker)
        assert "did not end in time, and is killed" in one.log()


def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    with family(tmp_path) as one:
        workers = one.workers()
        one.process.kill()
        for pid in workers:
            await_gone(pid)


def test_on_a_hangup_all_are_replaced_one_after_the_other_and_somebody_always_answers(tmp_path: Path) -> None:
    with family(tmp_path, count=3) as one:
        before = one.workers()
        one.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 30
        while len(one.gone()) < 3:
            assert time.monotonic() < until
            assert one.asked() > 0
            assert len(one.workers()) >= 3
        assert not one.workers() & before
        assert one.log().count("is up") == 6
        assert "another starts" not in one.log()


def test_where_the_first_successor_does_not_come_up_the_old_ones_stay(tmp_path: Path) -> None:
    with family(tmp_path, how="once") as one:
        before = one.workers()
        (tmp_path / "broken").touch()
        one.process.send_signal(signal.SIGHUP)
        one.await_said("before it was up: the old ones stay")
        assert one.workers() == before
        (tmp_path / "broken").unlink()
        one.process.send_signal(signal.SIGHUP)
        one.await_said("is up", 4)
