# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How many mints there were on each day, accepted and refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from trustpub.index.attempts import refused_by_day
from trustpub.index.ports import Clock, Store

DAY_SECONDS = 86_400
DAYS = 30
MINTED, DISBELIEVED = "token-minted", "identity-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day, in UTC."""

    day: date
    minted: int
    """Upload tokens, once for each project that one was for."""
    refused: int
    """Identities that were proven, and matched no publisher."""
    disbelieved: int
    """Identity tokens that proved nothing. Those of one issuer and cause are counted once a minute at the most."""


class Counts:
    """Counts them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def days(self, count: int = DAYS) -> Sequence[Day]:
        """The last so many days, today last."""
        today = int(self._clock()) // DAY_SECONDS
        first = today - count + 1
        with self._store.read() as reading:
            events = reading.counts((MINTED, DISBELIEVED), since=first * DAY_SECONDS)
            refused = refused_by_day(reading)
        return [
            Day(
                day=datetime.fromtimestamp(number * DAY_SECONDS, UTC).date(),
                minted=events.get((MINTED, number), 0),
                refused=refused.get(number, 0),
                disbelieved=events.get((DISBELIEVED, number), 0),
            )
            for number in range(first, today + 1)
        ]
