# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Connections that are kept for the next request, shared by threads: each has one to itself while it asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from trustpub.dialling import Goal

if TYPE_CHECKING:
    from trustpub.wire import Connection

IDLE_SECONDS = 4.0
"""A connection that was idle for longer is not used again: many servers close theirs after five, and a request that is
sent just then is lost. TLS anew costs two round trips, less than a retry."""
MAX_KEPT = 16

Connect = Callable[[Goal], "Connection"]


class Connections:
    """Open connections by where they go. All methods may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._idle: dict[Goal, list[Connection]] = {}
        self._coming: dict[Goal, int] = {}
        self._failed: dict[Goal, Exception] = {}
        self._closed = False

    def take(self, goal: Goal) -> Connection | None:
        """One that is open, the last that was used; None: make one.

        Where one is being made ahead of time (:meth:`prepare`) and none is there, this waits for it, and raises what it
        failed with: nobody waits twice for a host that is not there.
        """
        while True:
            with self._lock:
                while not self._idle.get(goal) and self._coming.get(goal):
                    self._lock.wait()
                idle = self._idle.get(goal)
                failure = self._failed.pop(goal, None)
                if not idle:
                    if failure is not None:
                        raise failure
                    return None
                one = idle.pop()
            if time.monotonic() - one.idle_since < IDLE_SECONDS and one.is_quiet():
                return one
            one.close()

    def give(self, goal: Goal, connection: Connection) -> None:
        """Keep ``connection`` for the next one, if it can be used again."""
        with self._lock:
            kept = self._keep(goal, connection)
            self._lock.notify_all()
        if not kept:
            connection.close()

    def prepare(self, goal: Goal, connect: Connect, count: int) -> None:
        """Begin to make ``count`` connections, each in a thread of its own."""
        with self._lock:
            self._coming[goal] = self._coming.get(goal, 0) + count
        for _ in range(count):
            threading.Thread(target=self._prepare, args=(goal, connect), name="connecting", daemon=True).start()

    def close(self) -> None:
        """Let go of all that are idle, and of the others when they are given back."""
        with self._lock:
            self._closed = True
            idle = [one for kept in self._idle.values() for one in kept]
            self._idle.clear()
        for one in idle:
            one.close()

    def _keep(self, goal: Goal, connection: Connection) -> bool:
        idle = self._idle.setdefault(goal, [])
        if not connection.reusable or self._closed or len(idle) >= MAX_KEPT:
            return False
        connection.idle_since = time.monotonic()
        idle.append(connection)
        return True

    def _prepare(self, goal: Goal, connect: Connect) -> None:
        made: Connection | None = None
        failure: Exception | None = None
        try:
            made = connect(goal)
        except Exception as error:  # noqa: BLE001 - whoever asks next has somebody to tell
            failure = error
        with self._lock:
            self._coming[goal] -= 1
            if failure is not None:
                self._failed[goal] = failure
            kept = made is not None and self._keep(goal, made)
            self._lock.notify_all()
        if made is not None and not kept:
            made.close()
