# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signals that end a server."""

from __future__ import annotations

import signal
import sys
from types import FrameType


class Stopping:
    """Makes of SIGTERM and SIGINT what they are to a server: the ordinary way to end, with exit code 0.

    While it serves, uvicorn has handlers of its own; once it has ended it raises what it caught again, for these here.
    """

    def __init__(self) -> None:
        self.expected = False
        """Whether it got as far as serving, so that uvicorn has seen the signal and acted on it."""

    def take_over(self) -> None:
        """From now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self.expected:
            sys.exit(0)
