# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How many refused mints are too many: per address before anything is proven, per repository after.

Counts failures only, so that no release is slowed by its own success; kept in memory only, so that a restart forgets.
Where several processes serve the index, each tells the others what it counted. They hear of it a moment later: in that
moment, each of them may let pass what one alone would.
"""

from __future__ import annotations

import ipaddress
import json
import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from trustpub.index.ports import Fellows

MINUTE = 60.0
"""Seconds that a failure counts."""
FAILED_PER_ADDRESS = 120
"""Mints a minute from one address that failed before their identity token was verified."""
REFUSED_PER_SUBJECT = 30
"""Verified identities a minute of one issuer and repository that matched no publisher."""
MAX_KEYS = 4096
"""Addresses, and likewise repositories, that are remembered; the one that was quiet for longest goes first."""
NETWORK_BITS = 64
"""Of an IPv6 address: whoever has one address has all that begin like it."""
_LONGEST = 300


class Limits:
    """Two sliding minutes. Any number of threads may ask; takes at most some ten megabytes, whoever calls."""

    def __init__(
        self,
        *,
        per_address: int = FAILED_PER_ADDRESS,
        per_subject: int = REFUSED_PER_SUBJECT,
        max_keys: int = MAX_KEYS,
        fellows: Fellows | None = None,
    ) -> None:
        self._addresses = Counts(per_address, max_keys, shared=_shared(fellows, "mint-address"))
        self._subjects = Counts(per_subject, max_keys, shared=_shared(fellows, "mint-subject"))

    def blocked(self, peer: str, now: float) -> int | None:
        """Seconds until ``peer`` may try again, 1 to 60; None if it may now. ``now``: Unix time."""
        return self._addresses.wait(network(peer), now)

    def failed(self, peer: str, now: float) -> None:
        """A mint from ``peer`` failed before its token was verified."""
        self._addresses.add(network(peer), now)

    def blocked_subject(self, issuer: str, subject: str, now: float) -> int | None:
        """Seconds until the verified ``subject`` (a repository) of ``issuer`` may try again; None if it may now."""
        return self._subjects.wait(_pair(issuer, subject), now)

    def refused(self, issuer: str, subject: str, now: float) -> None:
        """The verified ``subject`` of ``issuer`` matched no publisher."""
        self._subjects.add(_pair(issuer, subject), now)


@dataclass(frozen=True, slots=True)
class Shared:
    """With whom counts are shared, and under which name."""

    fellows: Fellows
    topic: str
    """Another for each :class:`Counts` of a process."""


class Counts:
    """The newest ``limit`` failures of each key, in a sliding window of so many seconds. Any thread may ask."""

    def __init__(
        self, limit: int, max_keys: int = MAX_KEYS, seconds: float = MINUTE, *, shared: Shared | None = None
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._max_keys = max_keys
        self._shared = shared
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()
        if shared is not None:
            shared.fellows.listen(shared.topic, self._hear)

    def add(self, key: str, now: float) -> None:
        """One failure more."""
        self._add(key, now)
        self._tell("add", key, now)

    def take_back(self, key: str, at: float) -> None:
        """What was counted at that time was no failure."""
        self._take_back(key, at)
        self._tell("take-back", key, at)

    def forget(self, key: str) -> None:
        """What failed is made good."""
        self._forget(key)
        self._tell("forget", key, 0.0)

    def _tell(self, what: str, key: str, at: float) -> None:
        if self._shared is not None:
            self._shared.fellows.tell(self._shared.topic, json.dumps([what, key, at]))

    def _hear(self, word: str) -> None:
        what, key, at = json.loads(word)
        if not isinstance(key, str) or not isinstance(at, int | float):
            raise TypeError("not what a process of ours says")
        if what == "add":
            self._add(key, at)
        elif what == "take-back":
            self._take_back(key, at)
        elif what == "forget":
            self._forget(key)

    def _add(self, key: str, now: float) -> None:
        with self._lock:
            self._times.setdefault(key, deque(maxlen=self._limit)).append(now)
            self._times.move_to_end(key)
            while len(self._times) > self._max_keys:
                self._times.popitem(last=False)

    def wait(self, key: str, now: float) -> int | None:
        """Seconds until the key may try again, at least 1; None if it may now."""
        with self._lock:
            # Both ways: a clock that was set back must not block anybody for an hour.
            counting = [at for at in self._times.get(key, ()) if abs(now - at) < self._seconds]
        if len(counting) < self._limit:
            return None
        return max(1, min(math.ceil(min(counting) + self._seconds - now), math.ceil(self._seconds)))

    def _take_back(self, key: str, at: float) -> None:
        with self._lock:
            times = self._times.get(key)
            if times is not None and at in times:
                times.remove(at)

    def _forget(self, key: str) -> None:
        with self._lock:
            self._times.pop(key, None)


@lru_cache(maxsize=MAX_KEYS)
def network(peer: str) -> str:
    """What one person is taken to have: an IPv4 address, however it is written, or an IPv6 network."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:_LONGEST]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> (128 - NETWORK_BITS))


def _shared(fellows: Fellows | None, topic: str) -> Shared | None:
    return None if fellows is None else Shared(fellows, topic)


def _pair(issuer: str, subject: str) -> str:
    # No issuer has a blank in it, so two different pairs never read the same.
    return f"{issuer[:_LONGEST]} {subject[:_LONGEST]}"
