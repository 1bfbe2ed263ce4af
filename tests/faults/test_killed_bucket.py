# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The trials of ``test_killed.py`` for an index whose files are in a bucket: what it took is there, whatever dies."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from trustpub.index.adapters.bucket import Bucket
from trustpub.index.adapters.s3 import S3Blobs
from trustpub.index.adapters.sql.store import SqlStore

from ..objects import Objects, object_server, objects  # noqa: F401, TID252 - fixtures
from .conftest import Index, trustpub
from .test_killed import rows
from .uploading import Storm, below

RUNS, KILLS = 1, 3
LONG_RUNS, LONG_KILLS = 4, 20
AIM_SECONDS = 30


@pytest.fixture
def stored(objects: Objects, tmp_path: Path) -> Iterator[Index]:  # noqa: F811
    index = Index(tmp_path / "index", tmp_path / "log")
    index.config = objects.config(tmp_path / "trustpub.toml")
    index.start()
    index.give_token()
    yield index
    if index.process is not None:
        index.end()


def kill_with_bytes_in_the_bucket(index: Index, storm: Storm, bucket: Bucket) -> bool:
    """Kill it when an object is there that no row names yet. False if that did not come in time."""
    until = time.monotonic() + AIM_SECONDS
    while time.monotonic() < until:
        for wheel in list(storm.under_way.values()):
            if bucket.head(wheel.place) is None:
                continue
            index.send(signal.SIGSTOP)
            if wheel.filename not in rows(index.data, {wheel.filename}):
                index.end(signal.SIGKILL)
                return True
            index.send(signal.SIGCONT)
        time.sleep(0.0005)
    index.end(signal.SIGKILL)
    return False


def verify(index: Index, storm: Storm) -> None:
    """Nothing acknowledged is lost, and nothing partial is listed or served."""
    checked = trustpub("admin", "check-files", *index.configured)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert below(index.data / "staging") == []
    with index.client() as client:
        listed: dict[str, Any] = {}
        for project in {wheel.name for wheel in storm.sent.values()}:
            listed |= {one["filename"]: one for one in client.files(project)}
        assert storm.acknowledged <= set(listed)
        for filename in set(storm.sent) & set(listed):
            wheel = storm.sent[filename]
            served = client.get(urlsplit(listed[filename]["url"]).path)
            assert served.body == wheel.content
        for filename in set(storm.sent) - set(listed):
            assert client.get(f"/{storm.sent[filename].place}").status == 404
        # What was cut short can simply be sent again, whether or not it got there.
        for filename in set(storm.sent) - storm.acknowledged:
            answer = client.upload(storm.sent[filename])
            assert answer.status == 200, (answer, index.log.read_text()[-1500:])


def kill_often(index: Index, bucket: Bucket, seed: int, kills: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    found: Counter[str] = Counter()
    accepted: set[str] = set()
    for number in range(kills):
        storm = Storm(index.url, index.token, f"{seed}.{number}", clients=3)
        storm.start()
        if number % 2:
            time.sleep(chance.uniform(0, 0.6))
            index.end(signal.SIGKILL)
        else:
            found["aimed"] += kill_with_bytes_in_the_bucket(index, storm, bucket)
        storm.join()
        assert storm.refused == []
        there = {one.filename for one in storm.sent.values() if bucket.head(one.place) is not None}
        found["without a row"] += len(there - rows(index.data, there))
        index.start()
        verify(index, storm)
        accepted |= set(storm.sent)  # since verify sent again what was cut short
    assert rows(index.data, accepted) == accepted
    assert found["aimed"]
    assert found["without a row"]
    assert index.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_kill_loses_nothing_that_was_accepted_into_a_bucket(stored: Index, objects: Objects, seed: int) -> None:  # noqa: F811
    bucket = Bucket(objects.storage())
    kill_often(stored, bucket, seed, KILLS)
    # What the kills left there goes with a sweep, and nothing else does.
    with closing(sqlite3.connect(stored.data / "index.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM files").fetchone()
    store = SqlStore(stored.data / "index.db")
    S3Blobs(stored.data, bucket).sweep_bucket(store, older_than=time.time() + 3600)
    store.close()
    assert sum(one.key.endswith(".whl") for one in bucket.list("packages")) == count
    checked = trustpub("admin", "check-files", *stored.configured)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 100 + LONG_RUNS))
def test_eighty_kills(stored: Index, objects: Objects, seed: int) -> None:  # noqa: F811
    kill_often(stored, Bucket(objects.storage()), seed, LONG_KILLS)
