# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that a thread takes on together: all that came while it was busy with those before them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

from trustpub.index.logs import REQUEST

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

MOST = 64
"""Requests in one round."""
LINGER_SECONDS = 0.002
"""How long a round waits for company when the one before it had some: less than its trip to the disk takes, which is
then made once for all of them."""


class Rounds(Generic[Asked, Answer]):
    """One round at a time, in another thread; whoever comes meanwhile is in the next.

    A hundred threads that each do a little spend more time on passing the interpreter around than on the work.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Sequence[Answer | Exception]],
        waited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """``work``: an answer for each that asked, in the same order, or what to raise there.

        ``waited``: told how long the first of each round stood in line; the others came after it.
        """
        self._work = work
        self._waited = waited
        self._waiting: list[tuple[Asked, asyncio.Future[Answer], float]] = []
        self._running: asyncio.Task[None] | None = None
        self._crowded = False

    async def ask(self, asked: Asked) -> Answer:
        """The answer, after the next round. To be called in one event loop only."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, answer, loop.time()))
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        REQUEST.set("")  # a round is of many requests, and what it logs is of none of them
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self._crowded:
                await asyncio.sleep(LINGER_SECONDS)
            taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._crowded = len(taken) > 1
            self._waited(loop.time() - taken[0][2])
            try:
                answers = await run_in_threadpool(self._work, [asked for asked, _, _ in taken])
            except Exception as error:  # noqa: BLE001 - whoever asked shall hear of it
                answers = [error] * len(taken)
            for (_, waiting, _), answer in zip(taken, answers, strict=True):
                if waiting.done():  # who asked is gone
                    continue
                if isinstance(answer, Exception):
                    waiting.set_exception(answer)
                else:
                    waiting.set_result(answer)
