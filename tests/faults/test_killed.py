# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index that is killed while files are uploaded to it, at random moments and at chosen ones.

A chosen moment is one that can be seen from outside: a file that has begun to arrive, one that has its place and no
row yet, one that has its row and whose uploader was not told. The server is stopped when it is seen, so that it can be
looked at again in peace, and then killed or, if the moment has passed, let go on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import Index, trustpub
from .uploading import Storm, below

# How much is tried: runs that may go side by side, and kills in each.
RUNS, KILLS = 4, 5
LONG_RUNS, LONG_KILLS = 10, 20

AIM_SECONDS = 30


def rows(data: Path, names: set[str]) -> set[str]:
    """Which of these files have a row, without leaving a trace."""
    asked = "SELECT filename FROM files WHERE filename IN (SELECT value FROM json_each(?))"
    with closing(sqlite3.connect(data / "index.db", timeout=10)) as database:
        return {row[0] for row in database.execute(asked, [json.dumps(sorted(names))])}


def arriving(index: Index, storm: Storm) -> bool:
    """Bytes of a file are in."""
    staging = index.data / "staging"
    with contextlib.suppress(FileNotFoundError):
        return any(path.stat().st_size > 0 for path in staging.iterdir() if not path.name.endswith(".metadata"))
    return False


def placed(index: Index, storm: Storm) -> bool:
    """A file has its place, and may have a row."""
    return any((index.data / wheel.place).exists() for wheel in list(storm.under_way.values()))


def kept(index: Index, storm: Storm) -> bool:
    """A file has its place, and no row."""
    there = {one.filename for one in list(storm.under_way.values()) if (index.data / one.place).exists()}
    return bool(there) and bool(there - rows(index.data, there))


def committed(index: Index, storm: Storm) -> bool:
    """A file has a row, and its uploader does not know."""
    time.sleep(0.05)  # what was sent before it was stopped arrives
    names = {one.filename for one in list(storm.under_way.values())} - storm.acknowledged
    return bool(names) and bool(rows(index.data, names))


Moment = Callable[[Index, Storm], bool]
# What is looked for while it runs, and what must still be so when it is stopped.
AIMS: dict[str, tuple[Moment, Moment]] = {
    "arriving": (arriving, arriving),
    "kept": (placed, kept),
    "committed": (placed, committed),
}


def kill_at(index: Index, storm: Storm, aim: str) -> bool:
    """Kill it at this moment. False if that did not come in time, and it was killed at another."""
    seen, confirmed = AIMS[aim]
    until = time.monotonic() + AIM_SECONDS
    hit = False
    while not hit and time.monotonic() < until:
        if not seen(index, storm):
            time.sleep(0.0002)
            continue
        index.send(signal.SIGSTOP)
        hit = confirmed(index, storm)
        if not hit:
            index.send(signal.SIGCONT)
            time.sleep(0.001)
    index.end(signal.SIGKILL)
    return hit


def autopsy(index: Index, storm: Storm, copy: Path) -> Counter[str]:
    """What the killed one left half-done, looked at in a copy of its database."""
    found: Counter[str] = Counter()
    found["staged"] = len(below(index.data / "staging"))
    copy.mkdir()
    for name in ("index.db", "index.db-wal"):
        if (index.data / name).exists():
            shutil.copy(index.data / name, copy / name)
    named = rows(copy, set(storm.sent))
    found["without a row"] = sum((index.data / one.place).exists() for one in storm.sent.values()) - len(named)
    found["not acknowledged"] = len(named - storm.acknowledged)
    shutil.rmtree(copy)
    return found


def verify(index: Index, storm: Storm) -> None:
    """Nothing acknowledged is lost, nothing partial is listed or served, and nothing is left behind."""
    assert index.tidied() == []
    assert below(index.data / "staging") == []
    with index.client() as client:
        listed: dict[str, Any] = {}
        for project in {wheel.name for wheel in storm.sent.values()}:
            listed |= {one["filename"]: one for one in client.files(project)}
        assert storm.acknowledged <= set(listed)
        for filename in set(storm.sent) & set(listed):
            wheel, shown = storm.sent[filename], listed[filename]
            assert shown["hashes"]["sha256"] == wheel.sha256
            path = urlsplit(shown["url"]).path
            served = client.get(path)
            assert (served.status, hashlib.sha256(served.body).hexdigest()) == (200, wheel.sha256)
            beside = client.get(path + ".metadata")
            assert hashlib.sha256(beside.body).hexdigest() == shown["core-metadata"]["sha256"]
        for filename in set(storm.sent) - set(listed):
            wheel = storm.sent[filename]
            assert client.get(f"/{wheel.place}").status == 404
        # What was cut short can simply be sent again, whether or not it got there.
        for filename in set(storm.sent) - storm.acknowledged:
            assert client.upload(storm.sent[filename]).status == 200


def kill_often(index: Index, seed: int, kills: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311
    aims = ["at random", *AIMS, "at random"]
    hits: Counter[str] = Counter()
    left: Counter[str] = Counter()
    accepted: set[str] = set()
    for number in range(kills):
        storm = Storm(index.url, index.token, f"{seed}.{number}")
        storm.start()
        aim = aims[number % len(aims)]
        if aim in AIMS:
            hits[aim] += kill_at(index, storm, aim)
        else:
            time.sleep(chance.uniform(0, 0.6))
            index.end(signal.SIGKILL)
        storm.join()
        assert storm.refused == []
        left += autopsy(index, storm, tmp_path / "autopsy")
        if number % len(aims) == len(aims) - 1:
            # Also while it starts, and sweeps.
            index.launch()
            time.sleep(chance.uniform(0.2, 1.5))
            index.end(signal.SIGKILL)
        index.start()
        verify(index, storm)
        accepted |= set(storm.sent)  # since verify sent again what was cut short
    assert rows(index.data, accepted) == accepted
    print(f"{kills} kills, aimed: {dict(hits)}, left half-done: {dict(left)}")  # noqa: T201
    # Every aim was hit, and what it was for was there.
    assert all(hits[aim] for aim in AIMS)
    assert left["staged"]
    assert left["without a row"]
    assert left["not acknowledged"]
    checked = trustpub("admin", "check-files", "--data", index.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert index.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_kill_loses_nothing_that_was_accepted_and_leaves_nothing_half_done(
    index: Index, seed: int, tmp_path: Path
) -> None:
    kill_often(index, seed, KILLS, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 100 + LONG_RUNS))
def test_two_hundred_kills(index: Index, seed: int, tmp_path: Path) -> None:
    kill_often(index, seed, LONG_KILLS, tmp_path)
