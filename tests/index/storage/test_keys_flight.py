# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Many at once, and issuers that take their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from trustpub.index.adapters.jwks import AHEAD_SECONDS, COOLDOWN_SECONDS, FRESH_SECONDS, JwksKeys
from trustpub.index.ports import IssuerDown, NoSuchKey

from .conftest import SetClock
from .issuer_site import DISCOVERY, Site, Write, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


@pytest.fixture
def keys(clock: SetClock) -> JwksKeys:
    return JwksKeys(env={}, clock=clock, rehearsal=True)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(24) as one:
        yield one


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.005)


def outcome(future: Future[Any]) -> str:
    try:
        return str(future.result(20)["kid"])
    except (NoSuchKey, IssuerDown) as error:
        return type(error).__name__


def test_many_wait_for_one_flight(keys: JwksKeys, site: Site, pool: ThreadPoolExecutor) -> None:
    site.be_issuer("1")
    site.gate.clear()
    asking = [pool.submit(keys.get, site.issuer, "1" if n % 2 else "unknown") for n in range(24)]
    until(lambda: len(site.asked) == 1)
    time.sleep(0.1)
    assert not any(one.done() for one in asking)
    site.gate.set()
    assert sorted(outcome(one) for one in asking) == ["1"] * 12 + ["NoSuchKey"] * 12
    assert site.asked == [DISCOVERY, "/keys"]


def test_many_who_wait_for_a_flight_that_fails_are_told_at_once_and_nobody_flies_again(
    keys: JwksKeys, site: Site, pool: ThreadPoolExecutor
) -> None:
    site.put(DISCOVERY, {}, 500)
    site.gate.clear()
    asking = [pool.submit(keys.get, site.issuer, "1") for _ in range(24)]
    until(lambda: len(site.asked) == 1)
    site.gate.set()
    assert {outcome(one) for one in asking} == {"IssuerDown"}
    assert len(site.asked) == 1


def test_while_a_flight_is_under_way_known_keys_are_answered_without_waiting(
    keys: JwksKeys, site: Site, pool: ThreadPoolExecutor, clock: SetClock
) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    clock.now += COOLDOWN_SECONDS
    site.be_issuer("1", "new")
    site.gate.clear()
    needs_it = [pool.submit(keys.get, site.issuer, "new") for _ in range(8)]
    until(lambda: site.fetches == 2)
    before = time.monotonic()
    for _ in range(100):
        assert keys.get(site.issuer, "1")
    assert time.monotonic() - before < 1
    assert not any(one.done() for one in needs_it)
    site.gate.set()
    assert [outcome(one) for one in needs_it] == ["new"] * 8
    assert site.fetches == 2


def test_a_set_in_use_is_fetched_before_it_is_old_with_nobody_waiting(
    keys: JwksKeys, site: Site, clock: SetClock
) -> None:
    site.be_issuer("1")
    keys.get(site.issuer, "1")
    site.be_issuer("2")
    clock.now += AHEAD_SECONDS - 1
    keys.get(site.issuer, "1")
    assert site.fetches == 1
    clock.now += 1
    site.gate.clear()
    assert keys.get(site.issuer, "1")  # and the request for the new set hangs
    until(lambda: site.fetches == 2)
    assert keys.get(site.issuer, "1")
    site.gate.set()
    until(lambda: _refused(keys, site, "1"))
    assert keys.get(site.issuer, "2")
    assert site.fetches == 2


def _refused(keys: JwksKeys, site: Site, kid: str) -> bool:
    try:
        keys.get(site.issuer, kid)
    except NoSuchKey:
        return True
    return False


def test_an_old_set_is_asked_about_before_it_is_used_by_everybody_in_one_flight(
    keys: JwksKeys, site: Site, pool: ThreadPoolExecutor, clock: SetClock
) -> None:
    site.be_issuer("withdrawn")
    keys.get(site.issuer, "withdrawn")
    site.be_issuer("2")
    clock.now += FRESH_SECONDS
    site.gate.clear()
    asking = [pool.submit(keys.get, site.issuer, "withdrawn") for _ in range(16)]
    until(lambda: site.fetches == 2)
    time.sleep(0.1)
    # Whoever finds two requests fit in where one waits gets nothing from it.
    assert not any(one.done() for one in asking)
    site.gate.set()
    assert {outcome(one) for one in asking} == {"NoSuchKey"}
    assert site.fetches == 2


def test_rotation_is_seen_with_the_first_token_of_the_new_key(keys: JwksKeys, site: Site, clock: SetClock) -> None:
    site.be_issuer("old")
    keys.get(site.issuer, "old")
    for number in range(3):
        clock.now += COOLDOWN_SECONDS
        site.be_issuer("old", f"new{number}")
        assert keys.get(site.issuer, f"new{number}")
        assert keys.get(site.issuer, "old")
        assert site.fetches == number + 2


SECONDS = 0.3


def silent(write: Write) -> None:
    time.sleep(3 * SECONDS)


def dripping_headers(write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        write(b"X-Drip: 1\r\n")
        time.sleep(SECONDS / 5)


def dripping_body(write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        write(b" ")
        time.sleep(SECONDS / 5)


def dripping_without_length(write: Write) -> None:
    # Cut short this would be a whole answer, if nobody looked at the time.
    write(b'HTTP/1.0 200 OK\r\n\r\n{"issuer": ""}')
    for _ in range(200):
        write(b" ")
        time.sleep(SECONDS / 5)


@pytest.mark.parametrize("page", [silent, dripping_headers, dripping_body, dripping_without_length])
def test_an_answer_has_its_time_however_it_drips(site: Site, clock: SetClock, page: Callable[[Write], None]) -> None:
    site.pages[DISCOVERY] = page
    keys = JwksKeys(env={}, clock=clock, rehearsal=True, seconds=SECONDS)
    before = time.monotonic()
    with pytest.raises(IssuerDown, match="does not answer in time"):
        keys.get(site.issuer, "1")
    assert time.monotonic() - before < 5 * SECONDS


def test_who_waits_for_keys_waits_no_longer_than_both_answers_may_take(
    site: Site, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that hangs obeys nobody's limits."""
    keys = JwksKeys(env={}, clock=clock, rehearsal=True, seconds=0.05)
    hanging = JwksKeys._fetch

    def hang(self: JwksKeys, issuer: Any) -> Any:
        site.gate.wait(10)
        return hanging(self, issuer)

    monkeypatch.setattr(JwksKeys, "_fetch", hang)
    site.be_issuer("1")
    site.gate.clear()
    with pytest.raises(IssuerDown, match="does not answer in time") as down:
        keys.get(site.issuer, "1")
    assert down.value.retry_after == COOLDOWN_SECONDS
    before = time.monotonic()
    clock.now += COOLDOWN_SECONDS
    with pytest.raises(IssuerDown) as down:  # the flight is late already: nobody waits for it again, or starts another
        keys.get(site.issuer, "1")
    assert time.monotonic() - before < 5  # and not the ten of the gate
    assert down.value.retry_after == 1
    site.gate.set()
    until(lambda: site.asked == [DISCOVERY, "/keys"])
    until(lambda: not _down(keys, site))
    assert site.fetches == 1


def _down(keys: JwksKeys, site: Site) -> bool:
    try:
        keys.get(site.issuer, "1")
    except IssuerDown:
        return True
    return False
