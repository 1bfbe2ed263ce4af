# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Work done side by side, that a signal to the program can still end.

Signals reach the main thread only. So the main thread only ever waits here, in small steps, and all that must not be
cut in two (a token that arrives) is done by others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

TICK_SECONDS = 0.1


class Crew:
    """Threads that do not keep the program from ending."""

    def __init__(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Start all ``tasks``."""
        self.broken: list[Exception] = []
        """What they raised."""
        self._threads = [threading.Thread(target=self._run, args=(task,), daemon=True) for task in tasks]
        for thread in self._threads:
            thread.start()

    def wait(self, tick: Callable[[], None] = lambda: None) -> None:
        """Until all are done; ``tick`` is called now and then. A signal's exception leaves from here."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(TICK_SECONDS)
                tick()

    def linger(self, seconds: float) -> None:
        """Until all are done, at most so long, whatever signals come; each makes it shorter."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            while thread.is_alive() and (left := deadline - time.monotonic()) > 0:
                try:
                    thread.join(min(left, TICK_SECONDS))
                except (KeyboardInterrupt, SystemExit):
                    deadline = min(deadline, time.monotonic() + seconds / 2)

    def done(self, tick: Callable[[], None] = lambda: None) -> None:
        """:meth:`wait`, then raise the first thing that was raised, in the order of the tasks."""
        self.wait(tick)
        if self.broken:
            raise self.broken[0]

    def _run(self, task: Callable[[], None]) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits
            self.broken.append(error)
