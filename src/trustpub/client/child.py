# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A tool run in our place: it gets our signals, and its end is ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from trustpub.errors import Misuse
from trustpub.printable import printable

_PASSED_ON = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
)
_FROM_TERMINAL = frozenset(getattr(signal, name) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name))


def find(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """``command`` with the full path of its program.

    Raises:
        Misuse: there is no such program.
    """
    program = shutil.which(command[0], path=env.get("PATH"))
    if program is None:
        raise Misuse(
            f"There is no program {printable(command[0], 200)} to run.",
            hint="Nothing was asked of the index. Install it, or give the path of the program after `--`.",
        )
    return [program, *command[1:]]


def run(argv: Sequence[str], env: Mapping[str, str], afterwards: Callable[[], None]) -> int:
    """Run a program with our standard streams, hand on the signals that we get, and wait for its end.

    From here to the return of ``afterwards``, which is called however the program ends, none of these signals raises:
    whoever ends us ends the program, and what has to be done after it is still done. For the main thread only.

    Returns:
        Its exit code; 128 and the number of the signal that ended it, as shells have it.

    Raises:
        Misuse: it cannot be started.
    """
    relay = _Relay()
    before = {number: signal.signal(number, relay) for number in _PASSED_ON}
    try:
        relay.child = subprocess.Popen(argv, env=dict(env))
        relay.catch_up()
        code = relay.child.wait()
    except OSError as error:
        raise Misuse(f"{printable(argv[0], 200)} cannot be run: {error.strerror}.") from None
    finally:
        afterwards()
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


class _Relay:
    """A handler of signals that gives them to a child."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self.child is None:
            self._waiting.append(number)
        else:
            self._pass(number)

    def catch_up(self) -> None:
        """Give the child what came before it was there."""
        for number in self._waiting:
            self._pass(number)

    def _pass(self, number: int) -> None:
        # Who presses Ctrl-C at a terminal sends it to the child as well, and twice is more than once to most programs.
        if self.child is None or (number in _FROM_TERMINAL and _in_foreground()) or sys.platform == "win32":
            return
        with contextlib.suppress(OSError):  # it is gone
            self.child.send_signal(number)


def _in_foreground() -> bool:
    """Whether a terminal sends what is typed at it to us, and so to our children."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
