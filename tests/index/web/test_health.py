# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How the index says that it lives, and whether it is ready."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from trustpub.errors import Unreachable
from trustpub.index.ports import NoRoom
from trustpub.index.web import health
from trustpub.index.web.health import Health, store_problem


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


REQUEST = Request({"type": "http", "method": "GET", "path": "/readyz", "headers": [], "query_string": b""})


def fault_of(one: Health) -> str | None:
    return anyio.run(one._fault)


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def watched(house: Any, timer: Timer) -> Health:
    return Health(house.store, house.blobs, timer)


def test_a_well_index_lives_and_is_ready(site: Any) -> None:
    for path, said in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
        answer = site.client.get(path)
        assert (answer.status_code, answer.text) == (200, said)
        assert answer.headers["cache-control"] == "no-store"
        assert site.client.head(path).status_code == 200
        assert site.client.post(path).status_code == 405


def test_a_folder_that_takes_no_file_is_not_ready_and_lives(site: Any) -> None:
    staging = site.house.blobs.staging
    staging.rmdir()
    answer = site.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert answer.json()["type"].endswith("/problems/not-ready")
    assert answer.json()["detail"] == "The folder of files cannot be written to: No such file or directory."
    assert str(staging.parent) not in answer.text
    assert site.client.get("/healthz").status_code == 200


def test_a_disk_with_little_room_is_not_ready(watched: Health, timer: Timer, monkeypatch: pytest.MonkeyPatch) -> None:
    from trustpub.index.adapters import staging

    monkeypatch.setattr(staging, "LOW_BYTES", 2**62)
    assert "nearly full" in (fault_of(watched) or "")
    monkeypatch.undo()
    assert "nearly full" in (fault_of(watched) or "")  # for a second, the answer is the same
    timer.now += 1
    assert fault_of(watched) is None


def test_a_database_that_is_gone_is_not_ready(watched: Health, house: Any) -> None:
    house.store.close()
    house.store.path.unlink()
    for ending in ("-wal", "-shm"):
        house.store.path.with_name(house.store.path.name + ending).unlink(missing_ok=True)
    house.store.path.mkdir()
    assert fault_of(watched) == "The index's database cannot be opened for writing."


def test_a_database_that_another_program_keeps_is_not_ready_for_that_time(
    watched: Health, house: Any, timer: Timer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.2)

    async def while_it_is_kept() -> tuple[str | None, str | None, str | None]:
        with closing(sqlite3.connect(house.store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = await watched._fault()
            second = await watched._fault()
            other.execute("ROLLBACK")
        await anyio.sleep(0.5)
        timer.now += 10
        monkeypatch.setattr(health, "PATIENCE_SECONDS", 10)
        return first, second, await watched._fault()

    first, second, third = anyio.run(while_it_is_kept)
    assert first == second == "The index's database did not answer within 5 seconds."
    assert third is None


def test_many_who_ask_at_once_are_one_look(watched: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def look() -> str | None:
        looks.append(1)
        return None

    monkeypatch.setattr(watched, "_look", look)

    async def ask_often() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(watched._fault)

    anyio.run(ask_often)
    assert len(looks) == 1


def test_what_failed_in_the_store_is_told_by_a_status_of_its_own() -> None:
    full = store_problem(NoRoom("The disk is full."), "Upload refused")
    assert (full.status, full.code, full.title) == (507, "no-room", "Upload refused")
    assert full.detail == "The disk is full. Nothing was changed."
    assert full.retry_after is None
    locked = store_problem(Unreachable("It was locked."))
    assert (locked.status, locked.code, locked.retry_after) == (503, "unavailable", 30)


def test_an_upload_to_a_full_disk_is_answered_in_the_words_of_uploads(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise NoRoom("The disk that holds the index's database is full.")

    uploader = site.publishing()
    monkeypatch.setattr(type(site.house.store), "transact", full)
    answer = uploader.send(site.wheel())
    assert answer.status_code == 507
    assert answer.json()["errors"][0]["code"] == "no-room"
    assert list(site.house.blobs.names()) == []
    assert site.house.staged() == 0


def test_other_requests_are_told_that_the_store_failed(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: Any) -> None:
        raise Unreachable("The index's database was locked by another program for 30 seconds.")

    monkeypatch.setattr(type(site.house.store), "read", locked)
    answer = site.client.get("/simple/hello/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["type"].endswith("/problems/unavailable")
