# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One file until it is up, or is known not to be: tried again where that may help, and never sent twice for nothing.

After an attempt whose end nobody saw, the index is asked whether it has the file before it is sent again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from trustpub.client import already
from trustpub.client.already import Presence
from trustpub.client.files import Distribution
from trustpub.client.holding import Tokens
from trustpub.client.indexes import Index
from trustpub.client.report import Ledger, State
from trustpub.client.upload import Failing, Refused, upload
from trustpub.errors import TrustpubError, Unreachable
from trustpub.http import MAX_PAUSE_SECONDS, Broken, Http
from trustpub.secret import Secret

ATTEMPTS = 6
"""How often one file is sent at most."""
FIRST_PAUSE_SECONDS = 0.5
_NOT_NOW = frozenset({429})
"""Statuses that say that nothing was done."""


class Over(Exception):
    """The release was ended by somebody."""


class Unsure(Unreachable):
    """The index may have the file."""


class Patience:
    """The pauses of all who send: who is told to come back later tells the others.

    Pauses grow with each attempt and are shortened by chance, so that eight who were sent away do not come back as one.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        """``steady``: seconds since anything."""
        self._stop = threading.Event()
        self._steady = steady
        self._not_before = 0.0

    def end(self) -> None:
        """End the release: every pause, and every body that is on its way."""
        self._stop.set()

    def pause(self, attempt: int, retry_after: str | None) -> None:
        """After the ``attempt``-th failure (from 1), for which the index may have said when to come back.

        Raises:
            Over: somebody ended the release.
        """
        asked = (retry_after or "").strip()
        if asked.isascii() and asked.isdigit():  # the other form, a date, is not worth a clock (RFC 9110 10.2.3)
            seconds = min(float(asked), MAX_PAUSE_SECONDS)
            self._not_before = max(self._not_before, self._steady() + seconds)
        else:
            grown = min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), MAX_PAUSE_SECONDS)
            seconds = grown * random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
        self._wait(seconds)

    def gate(self) -> None:
        """Before anything is sent.

        Raises:
            Over: somebody ended the release.
        """
        self._wait(self._not_before - self._steady())

    def check(self) -> None:
        """In the middle of something.

        Raises:
            Over: somebody ended the release.
        """
        if self._stop.is_set():
            raise Over

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)
        self.check()


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that may be repeated."""

    failure: Failing | Broken
    unseen: bool
    """Whether the index had all that it needs to take the file."""


class Sender:
    """Sends files with shared tokens and shared patience. May be shared by threads."""

    def __init__(
        self,
        http: Http,
        index: Index,
        tokens: Tokens,
        ledger: Ledger,
        patience: Patience,
        *,
        sent: Callable[[Distribution, int], None],
        warn: Callable[[str], None],
        strip: bool,
    ) -> None:
        """``sent`` is told how many bytes of a file are on their way. ``strip``: whether a file whose attestations are
        refused goes up without, which ``warn`` is then told.
        """
        self._http = http
        self._index = index
        self._tokens = tokens
        self._ledger = ledger
        self._patience = patience
        self._sent = sent
        self._warn = warn
        self._strip = strip

    def send(self, distribution: Distribution) -> None:
        """Have ``distribution`` on the index.

        Raises:
            Refused: the index does not take it.
            Unsure: it does not answer as it should, and nobody knows whether it took it.
            Unreachable: it does not answer as it should, and did not take it.
            Over: somebody ended the release.
            TrustpubError: no token can be had, or the file changed.
        """
        self._patience.gate()
        token = self._tokens.token()
        try:
            self._until_up(distribution, token)
        except Refused as refused:
            if not (self._strip and distribution.attestations and refused.of_attestations):
                raise
            self._warn(f"{refused.message}\nIt goes up without its attestations.")
            bare = replace(distribution, attestations=())
            self._ledger.take([bare])
            self._until_up(bare, token)
        self._tokens.spent(token)

    def _until_up(self, distribution: Distribution, token: Secret) -> None:
        unseen = False
        attempt = 1
        while (failed := self._once(distribution, token, unseen)) is not None:
            unseen = unseen or failed.unseen
            if attempt < ATTEMPTS:
                self._patience.pause(attempt, getattr(failed.failure, "retry_after", None))
            if unseen and self._arrived(distribution, failed.failure):
                return
            if attempt == ATTEMPTS:
                raise _unsure(failed.failure) if unseen else failed.failure
            attempt += 1
            token = self._tokens.again(token)
            self._patience.gate()

    def _once(self, distribution: Distribution, token: Secret, unseen: bool) -> _Failed | None:
        """One attempt, which is on the index where None is returned. ``unseen``: of those before."""
        whole = False

        def watch(taken: int, total: int) -> None:
            nonlocal whole
            self._patience.check()
            whole = taken == total
            self._sent(distribution, min(taken, distribution.size))

        self._ledger.set(distribution, State.SENDING)
        otherwise = State.UNKNOWN if unseen else State.REFUSED
        try:
            upload(self._http, self._index, token, distribution, watch)
        except (Failing, Broken) as failure:
            here = whole and getattr(failure, "status", None) not in _NOT_NOW
            self._ledger.set(distribution, State.UNKNOWN if here else otherwise)
            return _Failed(failure, here)
        except Refused as refused:
            self._ledger.set(distribution, otherwise)
            if unseen and refused.there:  # perhaps because of the attempt whose end nobody saw
                raise Unsure(refused.message, hint=refused.hint) from None
            raise
        except (TrustpubError, Over):
            self._ledger.set(distribution, otherwise)
            raise
        self._ledger.set(distribution, State.UPLOADED)
        return None

    def _arrived(self, distribution: Distribution, failure: Failing | Broken) -> bool:
        """Whether the index has the file after all. As long as it cannot be asked, the file is not sent again.

        Raises:
            Unsure: it cannot be asked, however often.
        """
        for attempt in range(1, ATTEMPTS + 1):
            found = already.presence(self._http, self._index, distribution)
            if found is Presence.THERE:
                self._ledger.set(distribution, State.UPLOADED)
            if found is not Presence.FAILED:
                return found is Presence.THERE
            if attempt < ATTEMPTS:
                self._patience.pause(attempt, None)
        raise _unsure(failure)


def _unsure(failure: Unreachable) -> Unsure:
    return Unsure(failure.message, hint=failure.hint)
