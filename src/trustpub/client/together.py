# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files that go up side by side, and a token that is given back whatever becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from trustpub.client.crew import Crew
from trustpub.client.files import Distribution
from trustpub.client.holding import Tokens
from trustpub.client.plan import Course, Step
from trustpub.client.sending import Over, Patience, Sender
from trustpub.errors import TrustpubError

GRACE_SECONDS = 3.0
"""How long a release that is cancelled waits for files that are on their way. GitHub's runner kills after ten seconds,
and the token has to be given back before."""
BURN_SECONDS = 4.0
"""How long it then waits for that. A release that is not cancelled waits as long as it takes."""
SPARE = 2
"""Connections that are left, beside the one that mints, of those that the index was asked over."""


def until_given_back(
    crew: Crew, tokens: Tokens, tick: Callable[[], None], cancel: Callable[[], None] = lambda: None
) -> None:
    """Wait for ``crew``, and then until all its tokens are given back.

    A signal's exception leaves from here, once ``cancel`` was called and what was on its way had a moment.
    """
    cancelled = False
    try:
        crew.done(tick)
    except (KeyboardInterrupt, SystemExit):
        cancelled = True
        cancel()
        crew.linger(GRACE_SECONDS)
        raise
    finally:
        giving = Crew([tokens.give_back])
        if cancelled:
            giving.linger(BURN_SECONDS)
        else:
            giving.wait(tick)


class Together:
    """The steps of one release, done by a crew."""

    def __init__(
        self,
        steps: Sequence[Step],
        sender: Sender,
        tokens: Tokens,
        patience: Patience,
        *,
        ready: Callable[[int], None],
        uploaded: Callable[[Distribution], None],
    ) -> None:
        """``ready`` makes so many connections ready, ``uploaded`` is told of each file that is up."""
        self._steps = steps
        self._course = Course(steps)
        self._sender = sender
        self._tokens = tokens
        self._patience = patience
        self._ready = ready
        self._uploaded = uploaded
        self._failures: list[TrustpubError] = []

    def run(self, jobs: int, tick: Callable[[], None]) -> list[TrustpubError]:
        """Do it all, ``jobs`` at a time, and return what failed; the first failure lets nothing else begin.

        A signal's exception leaves from here, once what was on its way had a moment, and the token is given back.
        """
        others = min(jobs, len(self._steps)) - 1
        # One asks for the token, and all connections are made meanwhile; those that asked before are there already.
        self._ready(max(0, others - SPARE))
        crew = Crew([partial(self._work, self._begin), *[partial(self._work, _nothing)] * others])

        def cancel() -> None:
            self._patience.end()
            self._course.close()

        until_given_back(crew, self._tokens, tick, cancel)
        return self._failures

    def _begin(self) -> None:
        self._tokens.prepare()
        self._course.open()

    def _work(self, before: Callable[[], None]) -> None:
        try:
            before()
            while (step := self._course.take()) is not None:
                self._sender.send(step.distribution)
                self._uploaded(step.distribution)
                self._course.done(step)
        except TrustpubError as failure:
            self._failures.append(failure)
        except Over:
            pass
        finally:
            self._course.close()


def _nothing() -> None:
    pass
