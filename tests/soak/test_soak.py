# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index of several workers in use for a long time, while workers are killed and its database is restarted.

``make soak`` runs it for half an hour, and prints what it did. SECONDS is how long it is in use, WORKERS how many
serve.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from trustpub.index.accounts.authority import MANAGE_SCOPE

from ..postgres import Server  # noqa: TID252 - pytest gives these folders no absolute name
from .asking import SECONDS as ANSWER_SECONDS
from .asking import Asking
from .crowd import RACING, Crowd
from .many import Jobs, Many

SECONDS = float(os.environ.get("SECONDS", "60"))
WORKERS = int(os.environ.get("WORKERS", "3"))
KILL_SECONDS = 20.0
DOWN_SECONDS = 1.5
"""How long the database is away."""
PROJECTS = 8


@pytest.mark.long
def test_nothing_is_lost_or_spent_twice_while_workers_die_and_the_database_restarts(
    tmp_path: Path, server: Server
) -> None:
    many, jobs = Many(tmp_path, server.create(), workers=WORKERS), Jobs()
    many.start()
    try:
        with many.opened() as folder:
            alice = folder.people.add("alice")
            jobs.register(folder, PROJECTS + RACING, owner="alice")
            _, manager = folder.credentials.issue_user_token(alice, scope=MANAGE_SCOPE)
        crowd = Crowd(many, jobs, PROJECTS, manager.reveal())
        begun, memory = time.monotonic(), resident(many)
        crowd.start()
        try:
            killed, restarted = disturb(many, server, crowd, begun)
        finally:
            crowd.join()
        took = time.monotonic() - begun
        tell(crowd, took, killed=killed, restarted=restarted, memory=(memory, resident(many)))
        verify(many, crowd)
        assert crowd.tally.wrong == []
        assert restarted == 2
        assert killed >= int(took / KILL_SECONDS) - 2
    finally:
        code = many.stop()
    assert code == 0
    # What a worker left that was killed between the file and its row goes with the next start.
    left = many.admin("check-files").stdout.count("No row names it")
    assert left <= 4 * killed
    many.start()
    assert many.stop() == 0
    checked = many.admin("check-files")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Traceback" not in many.log()


def disturb(many: Many, server: Server, crowd: Crowd, begun: float) -> tuple[int, int]:
    """Kill a worker every so often, restart the database after a third and two thirds of the time, and in the middle
    have all workers replaced. How often each was done.
    """
    chance, killed, restarted, renewed = random.Random(1), 0, 0, False  # noqa: S311
    while (passed := time.monotonic() - begun) < SECONDS:
        if passed > (killed + 0.5) * KILL_SECONDS:
            os.kill(chance.choice(many.pids()), signal.SIGKILL)
            killed += 1
        if restarted < 2 and passed > SECONDS * (restarted + 1) / 3:
            server.stop()
            time.sleep(DOWN_SECONDS)
            server.start()
            restarted += 1
        if not renewed and passed > SECONDS / 2:
            assert many.process is not None
            many.process.send_signal(signal.SIGHUP)
            renewed = True
        time.sleep(0.1)
    return killed, restarted


def verify(many: Many, crowd: Crowd) -> None:
    """All that was acknowledged is there, as it was sent; and of two that contended for one, one at most."""
    with closing(Asking(many.url, crowd.tally)) as asking:
        await_ready(asking)
        listed: dict[str, Any] = {}
        for name in {wheel.name for wheel in crowd.accepted.values()}:
            listed |= {one["filename"]: one for one in asking.page(name).json["files"]}
        assert set(crowd.accepted) <= set(listed)
        for filename, wheel in crowd.accepted.items():
            answer = asking.ask("download", "GET", urlsplit(listed[filename]["url"]).path, {})
            assert hashlib.sha256(answer.body).hexdigest() == wheel.sha256
    assert not [pair for pair in crowd.contested if set(pair) <= set(listed)]


def await_ready(asking: Asking) -> None:
    until = time.monotonic() + ANSWER_SECONDS
    while not asking.ask("ready", "GET", "/readyz", {}).ok:
        assert time.monotonic() < until
        time.sleep(0.2)


def tell(crowd: Crowd, took: float, *, killed: int, restarted: int, memory: tuple[float, float]) -> None:
    """The figures."""
    tally = crowd.tally
    lost = sum(number for (_, status), number in tally.answers.items() if status == 0)
    later = sum(number for (_, status), number in tally.answers.items() if status == 503)
    kinds = ("mint", "upload", "read", "download", "manage")
    print(f"\n{took:.0f} s, {WORKERS} workers, {killed} killed, PostgreSQL restarted {restarted} times")  # noqa: T201
    for kind in kinds:
        times = sorted(tally.took.get(kind, [0.0]))
        print(  # noqa: T201
            f"  {kind:9} {tally.count(kind):7} asked, {len(times):7} done, "
            f"p50 {1000 * statistics.median(times):6.1f} ms, p99 {1000 * times[int(len(times) * 0.99)]:7.1f} ms"
        )
    print(f"  {lost} connections lost with their worker, {later} answers 503 with Retry-After")  # noqa: T201
    print(f"  {len(crowd.accepted)} files accepted, {crowd.won} races for one with one winner")  # noqa: T201
    print(f"  memory of all workers: {memory[0]:.0f} MB at the start, {memory[1]:.0f} MB at the end")  # noqa: T201
    for sentence in tally.wrong[:20]:
        print(f"  WRONG: {sentence}")  # noqa: T201


def resident(many: Many) -> float:
    """Megabytes."""
    found = 0
    for pid in many.pids():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                found += int(line.split()[1])
    return found / 1024
