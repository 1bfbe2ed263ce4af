# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The upload tokens of a release: got when needed, renewed once for all who upload, and given back to the last one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from trustpub.errors import Declined, TrustpubError, Unreachable
from trustpub.protocol.exchange import Minted
from trustpub.secret import Secret

MARGIN_SECONDS = 120.0
"""So long before it expires a token is not used for another file: an index looks at the token first and may take a
minute to read a large one."""


class Mint(Protocol):
    """What is needed of :class:`trustpub.client.exchange.Exchange`."""

    @property
    def single_use(self) -> bool:
        """Whether a token is good for one file."""

    def mint(self) -> Minted:
        """A token, for an identity asked anew."""

    def burn(self, token: Secret) -> str | None:
        """Give it back; a warning in words, or None."""


class Told(Protocol):
    """Who is told."""

    def mask(self, secret: Secret) -> None:
        """Keep it out of every log."""

    def step(self, text: str) -> None:
        """Something was done."""

    def warning(self, text: str) -> None:
        """Something is not as it should be, and the release goes on."""


class Tokens:
    """All tokens of one release. May be shared by threads.

    How long a token lives is measured by a clock that nobody sets: a machine whose time is corrected in the middle of
    a release takes no fresh token for an old one.
    """

    def __init__(
        self,
        exchange: Mint,
        told: Told,
        *,
        job: str,
        renews: bool,
        origin: str,
        now: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """``job`` and ``origin``: the names of the CI and of the index, for people. ``renews``: whether the CI vouches
        more than once. ``now`` is Unix time, ``steady`` seconds since anything.
        """
        self._exchange = exchange
        self._told = told
        self._job = job
        self._renews = renews
        self._origin = origin
        self._now = now
        self._steady = steady
        self._lock = threading.Lock()
        self._held: list[Secret] = []
        self._current: Secret | None = None
        self._good_until = 0.0
        self._ends = 0.0
        self._closed = False

    def token(self) -> Secret:
        """One to upload a file with; whoever gets it first waits for it, and the others for that.

        Raises:
            Declined: it expired and the CI vouches only once, or the release is over.
            TrustpubError: none is given.
        """
        with self._lock:
            if self._exchange.single_use:
                return self._new()
            if self._current is None:
                self._current = self._new()
            elif self._steady() >= self._good_until:
                if self._renews:
                    self._current = self._renewed(self._current)
                elif self._steady() >= self._ends:
                    raise Declined(
                        f"The upload token expired, and {self._job} vouches for a job only once, so that there is "
                        "no other in this job.",
                        hint="Run the job again: what is on the index is not sent again.",
                    )
            return self._current

    def prepare(self) -> None:
        """Have a token, where one does for all files.

        Raises:
            TrustpubError: none is given.
        """
        if not self._exchange.single_use:
            self.token()

    def again(self, token: Secret) -> Secret:
        """One to send the same file once more with, after ``token``."""
        return token if self._exchange.single_use else self.token()

    def spent(self, token: Secret) -> None:
        """A file went up with ``token``: if it was good for one, there is nothing to give back."""
        if self._exchange.single_use:
            self._let_go(token)

    def give_back(self) -> None:
        """Burn all that is held, and whatever still comes. Waits for no other thread."""
        self._closed = True
        while self._held:
            self._burn(self._held.pop())

    def _renewed(self, old: Secret) -> Secret:
        try:
            return self._new()
        except Unreachable:
            if self._steady() >= self._ends:
                raise
            return old  # it has some time left, and the next file asks again

    def _new(self) -> Secret:
        if self._closed:
            raise Declined("The release is over.")
        again = self._current is not None
        minted = self._exchange.mint()
        self._told.mask(minted.token)
        at, alive = self._steady(), _lifetime(minted.expires, self._now())
        self._held.append(minted.token)
        if self._closed:  # while it was asked for: whoever takes it off the list burns it
            if self._let_go(minted.token):
                self._burn(minted.token)
            raise Declined("The release is over.")
        self._good_until = at + max(alive - MARGIN_SECONDS, alive / 2)
        self._ends = at + alive
        self._told.step(f"{self._origin} trusts it and gave {'another' if again else 'an'} upload token")
        return minted.token

    def _let_go(self, token: Secret) -> bool:
        try:
            self._held.remove(token)
        except ValueError:
            return False
        return True

    def _burn(self, token: Secret) -> None:
        try:
            warning = self._exchange.burn(token)
        except TrustpubError as error:
            warning = error.message
        if warning:
            self._told.warning(warning)
        else:
            self._told.step("The upload token is given back")


def _lifetime(expires: int | None, now: float) -> float:
    """Seconds that a token got now is good for; for ever where nobody says, or the clocks here and there differ so
    much that what is said means nothing.
    """
    left = float("inf") if expires is None else expires - now
    return left if left > 0 else float("inf")
