# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How often may fail what fails."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from trustpub.index.limits import FAILED_PER_ADDRESS, MAX_KEYS, REFUSED_PER_SUBJECT, Limits

NOW = 1_790_000_000.5
ISSUER = "https://ci.example"


def fail(limits: Limits, peer: str = "192.0.2.1", times: int = FAILED_PER_ADDRESS, at: float = NOW) -> None:
    for _ in range(times):
        limits.failed(peer, at)


def test_an_address_may_fail_120_times_a_minute() -> None:
    limits = Limits()
    fail(limits, times=119)
    assert limits.blocked("192.0.2.1", NOW) is None
    fail(limits, times=1)
    assert limits.blocked("192.0.2.1", NOW) == 60
    assert limits.blocked("192.0.2.2", NOW) is None


def test_the_minute_slides() -> None:
    limits = Limits()
    for second in range(FAILED_PER_ADDRESS):
        limits.failed("192.0.2.1", NOW + second / 4)  # half a minute of four a second
    end = NOW + 30
    assert limits.blocked("192.0.2.1", end) == 30
    assert limits.blocked("192.0.2.1", NOW + 59.9) == 1
    assert limits.blocked("192.0.2.1", NOW + 60) is None
    limits.failed("192.0.2.1", NOW + 60)
    assert limits.blocked("192.0.2.1", NOW + 60) == 1


def test_a_verified_repository_may_be_refused_30_times_a_minute() -> None:
    limits = Limits()
    for _ in range(REFUSED_PER_SUBJECT):
        assert limits.blocked_subject(ISSUER, "octo/hello", NOW) is None
        limits.refused(ISSUER, "octo/hello", NOW)
    assert limits.blocked_subject(ISSUER, "octo/hello", NOW) == 60
    assert limits.blocked_subject(ISSUER, "octo/other", NOW) is None
    assert limits.blocked_subject(ISSUER + "/", "octo/hello", NOW) is None
    assert limits.blocked("octo/hello", NOW) is None
    assert limits.blocked_subject(ISSUER, "octo/hello", NOW + 60) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("unix:a", "unix:b", False),
        ("", "", True),
    ],
)
def test_one_network_of_ipv6_is_one_caller(one: str, other: str, same: bool) -> None:
    limits = Limits()
    fail(limits, one)
    assert (limits.blocked(other, NOW) is not None) == same


def test_a_clock_that_is_set_back_blocks_nobody_for_long() -> None:
    limits = Limits()
    fail(limits, at=NOW + 3600)
    assert limits.blocked("192.0.2.1", NOW) is None
    fail(limits, at=NOW + 50)
    assert limits.blocked("192.0.2.1", NOW) == 60


def test_a_flood_of_addresses_takes_bounded_memory_and_frees_only_the_quiet() -> None:
    limits = Limits()
    fail(limits, "192.0.2.1")
    fail(limits, "192.0.2.2")
    for number in range(3 * MAX_KEYS):
        if number % 1000 == 0:
            limits.failed("192.0.2.2", NOW)
        limits.failed(f"2001:db8:{number:x}::1", NOW)
        limits.refused(ISSUER, f"{number}/" + "x" * 100_000, NOW)
    assert limits.blocked("192.0.2.2", NOW) == 60
    assert limits.blocked("192.0.2.1", NOW) is None
    for counts in (limits._addresses, limits._subjects):
        assert len(counts._times) <= MAX_KEYS
        assert max(sys.getsizeof(key) for key in counts._times) < 1000


def test_threads_lose_no_failure() -> None:
    limits = Limits(per_address=4000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: fail(limits, times=499), range(8)))
    assert limits.blocked("192.0.2.1", NOW) is None
    fail(limits, times=8)
    assert limits.blocked("192.0.2.1", NOW) == 60
