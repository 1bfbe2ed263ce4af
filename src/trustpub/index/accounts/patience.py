# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How many wrong passwords and codes are too many: per address and name, per address, and per name.

In memory only, and shared, as :mod:`trustpub.index.limits`. A name that is nobody's is counted like any other, so that
being made to wait says nothing of who has an account.
"""

from __future__ import annotations

from trustpub.index.limits import Counts, Shared, network
from trustpub.index.ports import Fellows

PER_NAME_AND_ADDRESS = 8
PER_ADDRESS = 60
WINDOW_SECONDS = 15 * 60.0
PER_NAME = 100
NAME_WINDOW_SECONDS = 3600.0
"""From wherever: far more than a person needs, so that nobody is locked out easily by others, and few enough for any
password that is not among the first hundred to be tried."""


class Patience:
    """Counts what failed at signing in."""

    def __init__(
        self,
        *,
        per_name_and_address: int = PER_NAME_AND_ADDRESS,
        per_address: int = PER_ADDRESS,
        per_name: int = PER_NAME,
        fellows: Fellows | None = None,
        of: str = "password",
    ) -> None:
        """
        Args:
            per_name_and_address: how many tries before one has to wait.
            per_address: likewise, whatever the name.
            per_name: likewise, from wherever.
            fellows: the other processes, which are told what failed here.
            of: what is tried; what failed is shared with what counts the same.
        """

        def shared(by: str) -> Shared | None:
            return None if fellows is None else Shared(fellows, f"{of}-{by}")

        self._pairs = Counts(per_name_and_address, seconds=WINDOW_SECONDS, shared=shared("pair"))
        self._addresses = Counts(per_address, seconds=WINDOW_SECONDS, shared=shared("address"))
        self._names = Counts(per_name, seconds=NAME_WINDOW_SECONDS, shared=shared("name"))

    def wait(self, name: str, peer: str, now: float) -> int | None:
        """Seconds until this name may be tried again from there; None if it may now."""
        waits = (
            self._pairs.wait(_pair(name, peer), now),
            self._addresses.wait(network(peer), now),
            self._names.wait(_name(name), now),
        )
        return max((one for one in waits if one is not None), default=None)

    def failed(self, name: str, peer: str, now: float) -> None:
        """A try was wrong. Noted before it is judged, and taken back if it was right: many at once are counted too."""
        self._pairs.add(_pair(name, peer), now)
        self._addresses.add(network(peer), now)
        self._names.add(_name(name), now)

    def succeeded(self, name: str, peer: str, at: float) -> None:
        """Whoever it is proved to be it, with the try that was noted at ``at``."""
        self._pairs.forget(_pair(name, peer))
        self._addresses.take_back(network(peer), at)
        self._names.take_back(_name(name), at)


def _name(name: str) -> str:
    return name.casefold()[:100]


def _pair(name: str, peer: str) -> str:
    return f"{network(peer)} {_name(name)}"
