# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the index is well: for whoever starts it, stops it and sends it requests. Open to all, without any secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from trustpub.errors import TrustpubError, Unreachable
from trustpub.index.ports import Blobs, NoRoom, Store
from trustpub.index.web.answers import NO_STORE, problem_answer
from trustpub.protocol.exchange import Problem

ALIVE_PATH = "/healthz"
READY_PATH = "/readyz"

KEPT_SECONDS = 1.0
"""How long an answer is given again: asking often costs nothing."""
PATIENCE_SECONDS = 5.0
"""How long the store may take, before it counts as one that does not answer."""
RETRY_SECONDS = 30

_SLOW = f"The index's database did not answer within {PATIENCE_SECONDS:.0f} seconds."


class Health:
    """``/healthz`` and ``/readyz``"""

    def __init__(self, store: Store, blobs: Blobs, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._blobs = blobs
        self._timer = timer
        self._asking: asyncio.Task[str | None] | None = None
        self._found: str | None = None
        self._until = float("-inf")

    async def alive(self, request: Request) -> Response:
        """The process answers. Nothing else is looked at: to start it anew would mend nothing else."""
        return PlainTextResponse("ok\n", headers=NO_STORE)

    async def ready(self, request: Request) -> Response:
        """The store can be read and written, and there is room for more; else 503 and why."""
        fault = await self._fault()
        if fault is None:
            return PlainTextResponse("ready\n", headers=NO_STORE)
        problem = Problem(status=503, code="not-ready", title="Not ready", detail=fault, retry_after=RETRY_SECONDS)
        return problem_answer(problem, request)

    async def _fault(self) -> str | None:
        if self._timer() < self._until:
            return self._found
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        # One look at a time, however many ask; and it goes on if who asked first goes away.
        done, _ = await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)
        return self._found if done else _SLOW

    async def _ask(self) -> str | None:
        try:
            self._found = await run_in_threadpool(self._look)
        finally:
            self._until = self._timer() + KEPT_SECONDS
            self._asking = None
        return self._found

    def _look(self) -> str | None:
        try:
            with self._store.read() as reading:
                reading.serial()
            with self._store.write() as writing:  # begun, which takes the one place of a writer, and left as it was
                writing.serial()
            return self._blobs.fault()
        except TrustpubError as error:
            return error.message
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
            return f"The index's store failed: {type(error).__name__}."


def store_problem(error: TrustpubError, title: str = "The index cannot do this now") -> Problem:
    """What a request is told when the store failed under it. Nothing that it asked for was done."""
    if isinstance(error, NoRoom):
        return Problem(status=507, code="no-room", title=title, detail=f"{error.message} Nothing was changed.")
    retry = RETRY_SECONDS if isinstance(error, Unreachable) else None
    return Problem(status=503, code="unavailable", title=title, detail=error.message, retry_after=retry)
