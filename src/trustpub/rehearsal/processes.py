# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that a rehearsal starts, and ends.

Each runs in a process group of its own: Ctrl-C reaches only the rehearsal, which then ends them all, with whatever
they started themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from trustpub.errors import Unreachable

GRACE_SECONDS = 5.0
"""How long a program may take to end itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A program that ran to its end."""

    code: int
    output: str
    """Standard output, and standard error unless that was kept apart."""
    errors: str = ""
    """Standard error, where it was kept apart."""

    def tail(self, lines: int = 20) -> str:
        """The last lines that are not empty."""
        return "\n".join([line.rstrip() for line in self.output.splitlines() if line.strip()][-lines:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A program at work, which writes both streams to ``log``."""

    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> bool:
        """Whether it is at its end."""
        return self.process.poll() is not None

    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Children:
    """All programs of one rehearsal. None outlives the block, except one that was :meth:`leave`-d."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Running:
        """Start a program that goes on by itself."""
        with log.open("wb") as stream, _undisturbed():
            process = subprocess.Popen(
                argv, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            self._started.append(process)
        return Running(process=process, log=log)

    def wait(self, running: Running, *, seconds: float) -> Ended:
        """Wait for its end.

        Raises:
            Unreachable: it takes longer than ``seconds``; it is ended then.
        """
        try:
            code = running.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._end(running.process)
            raise _too_long(running.process, seconds) from None
        return Ended(code=code, output=running.output())

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float, apart: bool = False
    ) -> Ended:
        """Run a program to its end. What it writes goes through memory only: it may hold a token.

        ``apart`` keeps the two streams apart.

        Raises:
            Unreachable: as for :meth:`wait`.
        """
        with _undisturbed():
            process = subprocess.Popen(
                argv, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if apart else subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            self._started.append(process)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._end(process)
            raise _too_long(process, seconds) from None
        texts = [(stream or b"").decode(errors="replace") for stream in (output, errors)]
        return Ended(code=process.returncode, output=texts[0], errors=texts[1])

    def leave(self, running: Running) -> None:
        """Let this one outlive the rehearsal."""
        self._started.remove(running.process)
        running.process.returncode = 0  # nobody waits for it; otherwise the interpreter would complain at its end

    def close(self) -> None:
        """End all of them, the youngest first."""
        while self._started:
            process = self._started[-1]
            self._end(process)
            self._started.pop()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
            # The group may hold more than its first member.
            _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals back while a program is started, lest one ends us before it is on the list of those to end.

    They are not blocked: the new program would inherit that, and could not be ended.
    """
    held: list[tuple[Callable[[int, FrameType | None], Any], int, FrameType | None]] = []
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            handler = None if number is None else signal.getsignal(number)
            if number is not None and callable(handler):
                before[number] = handler

    def hold(number: int, frame: FrameType | None) -> None:
        held.append((before[number], number, frame))

    for number in tuple(before):
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for handler, number, frame in held:
        handler(number, frame)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.terminate()


def _too_long(process: subprocess.Popen[bytes], seconds: float) -> Unreachable:
    argv = process.args if isinstance(process.args, list) else [str(process.args)]
    name = " ".join(Path(str(word)).name for word in argv[:3])
    return Unreachable(f"{name} was not done after {seconds:.0f} seconds, and was ended.")
