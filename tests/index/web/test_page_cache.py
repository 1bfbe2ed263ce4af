# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages in memory: made once, never stale, and never more than there is room for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from trustpub.index.cache import Cache, Page, finish
from trustpub.index.kept import Project
from trustpub.index.simple import Pages
from trustpub.protocol.simple import Format


def made(text: bytes, stamp: int = 1) -> Page:
    return finish("text/plain", text, stamp=stamp)


def test_many_who_want_the_same_page_at_once_make_it_once() -> None:
    cache, calls, gate = Cache(), [], threading.Barrier(8)

    def make() -> Page:
        calls.append(1)
        time.sleep(0.05)
        return made(b"page")

    def want(_: int) -> bytes:
        gate.wait()
        return cache.page("key", 1, "state", make).body

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(want, range(8))) == {b"page"}
    assert len(calls) == 1


def test_a_page_is_at_hand_in_the_state_it_was_right_in_and_no_other() -> None:
    cache = Cache()
    page = cache.page("key", 1, "monday", lambda: made(b"a"))
    assert cache.at_hand("key", "monday") is page
    assert cache.at_hand("key", "tuesday") is None
    assert cache.at_hand("other", "monday") is None
    # Something else was changed: the same page, right in the new state too.
    assert cache.page("key", 1, "tuesday", lambda: made(b"b")) is page
    assert cache.at_hand("key", "tuesday") is page
    assert cache.page("key", 2, "wednesday", lambda: made(b"b", 2)).body == b"b"


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    cache = Cache(max_bytes=1000)
    for number in range(4):
        cache.page(number, 1, "s", lambda: made(b"x" * 100))  # twice in memory: nothing is gained by packing it
    assert cache.at_hand(0, "s") is not None
    for number in range(4, 6):
        cache.page(number, 1, "s", lambda: made(b"x" * 100))
    assert [cache.at_hand(number, "s") is not None for number in range(6)] == [True, False, True, True, True, True]
    assert cache.page("huge", 1, "s", lambda: made(b"\x00" * 5000)).body == b"\x00" * 5000
    assert cache.at_hand("huge", "s") is None


def test_who_fails_to_make_a_page_leaves_the_way_free() -> None:
    cache = Cache()

    def fail() -> Page:
        raise ValueError

    for _ in range(2):
        try:
            cache.page("key", 1, "s", fail)
        except ValueError:
            continue
    assert cache.page("key", 1, "s", lambda: made(b"a")).body == b"a"


def test_no_page_is_older_than_the_last_answer_to_a_change(house: Any) -> None:
    """Readers beside a writer: what a commit made visible is in every page asked for after it."""
    pages = Pages(store=house.store, blobs=house.blobs, settings=house.settings)
    committed, ended, wrong = [0], threading.Event(), []

    def write() -> None:
        for number in range(60):
            name = f"project-{number}"
            with house.store.write() as writing:
                writing.add_project(
                    Project(id=name, name=name, normalized=name, created=0, pending_until=None, serial=1)
                )
            committed[0] = number + 1
        ended.set()

    def read() -> None:
        while not ended.is_set():
            least = committed[0]
            page = pages.at_hand("root", Format.V1_JSON, None) or pages.root(Format.V1_JSON)
            if page.body.count(b"project-") < least:
                wrong.append(least)

    threads = [threading.Thread(target=one) for one in (write, read, read, read)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert pages.root(Format.V1_JSON).body.count(b"project-") == 60
