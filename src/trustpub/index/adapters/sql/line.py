# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who writes next. SQLite has one writer at a time, and what a commit costs is one trip to the disk.

So those who come while the disk is busy wait in line, and whoever is first when it is free takes the work of those
right behind along: one trip for all of them (group commit).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

MOST = 64
"""Jobs in one turn, after which no other caller is taken along. More would save little, and let the first wait long
for the last."""


class Job:
    """Something to do, and then what came of it."""

    __slots__ = ("answer", "error", "work")

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work
        self.answer: Any = None
        self.error: BaseException | None = None


class _Place:
    """Of one caller. Its lock is held until it is the caller's turn, or its jobs were done."""

    __slots__ = ("first", "jobs", "lock")

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.first = False
        self.lock = threading.Lock()
        self.lock.acquire()


class Line:
    """Callers take turns, first come, first served; jobs that stand next to each other take one turn together."""

    def __init__(self, run: Callable[[Sequence[Job]], None]) -> None:
        """``run`` does jobs, and gives each its answer or error. What it raises beside goes to the one who ran it."""
        self._run = run
        self._gate = threading.Lock()
        self._places: deque[_Place] = deque()
        self._busy = False
        self._runs: int | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A turn for this block."""
        place = self._enter(())
        try:
            yield
        finally:
            self._pass_on(place, ())

    def together(self, jobs: Sequence[Job]) -> None:
        """Return when ``jobs``, at least one, are done, by this thread or another that stood before it."""
        place = self._enter(jobs)
        if not place.first:
            return
        places: list[_Place] = []
        try:
            self._gather(places)
            self._run([job for place in places for job in place.jobs])
        finally:
            self._pass_on(place, places)

    def _enter(self, jobs: Sequence[Job]) -> _Place:
        if self._runs == threading.get_ident():
            raise RuntimeError("a transaction cannot be begun inside another")
        place = _Place(jobs)
        with self._gate:
            self._places.append(place)
            place.first, self._busy = not self._busy, True
        try:
            if not place.first:
                place.lock.acquire()
        except BaseException:
            self._leave(place)
            raise
        if place.first:
            self._runs = threading.get_ident()
        return place

    def _gather(self, places: list[_Place]) -> None:
        with self._gate:
            room = MOST
            while self._places and self._places[0].jobs and room > 0:
                places.append(self._places.popleft())
                room -= len(places[-1].jobs)

    def _pass_on(self, own: _Place, done: Sequence[_Place]) -> None:
        self._runs = None
        with self._gate:
            if self._places and self._places[0] is own:
                self._places.popleft()
            following = self._places[0] if self._places else None
            if following is None:
                self._busy = False
            else:
                following.first = True
        if following is not None:
            following.lock.release()
        for place in done:
            if place is not own:
                place.lock.release()

    def _leave(self, place: _Place) -> None:
        """The caller was interrupted while it waited. Its job may be running; nobody is told of it."""
        with self._gate:
            first = place.first
            if not first and place in self._places:
                self._places.remove(place)
        if first:
            self._pass_on(place, ())
