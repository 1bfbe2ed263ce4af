# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The process that has the socket, and sees to it that so many others serve on it.

It takes no request itself, and after its start it touches neither the database nor the files: nothing that a worker
does can harm it. Each worker is a program of its own, started afresh, since the libraries of a server have threads,
which a fork would leave behind. Parent and worker hold the two ends of a pair of sockets: through it the worker hears
what it is to serve, and says that it is up; and whichever of the two is gone, the other notices at once.

Connections wait at the one socket that all workers share, so that none is lost with the worker that ends.
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from trustpub.errors import Unreachable
from trustpub.index.workers.channel import RETIRE, UP, tell

STEADY_SECONDS = 10.0
"""A worker that lived so long is replaced at once when it ends; one that did not, after a pause."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
MOST_TRIES = 3
"""As long as no worker was ever up: then it is not one worker that is at fault."""
GRACE_SECONDS = 30.0
"""How long workers may take to end what is under way; a little more than they give themselves."""

_log = logging.getLogger("trustpub.workers")


@dataclass(eq=False, slots=True, kw_only=True)
class _Worker:
    number: int
    process: subprocess.Popen[bytes]
    line: socket.socket
    """Our end."""
    begun: float
    up: bool = False
    replaces: _Worker | None = None
    retiring: bool = False


class Parent:
    """Keeps ``count`` workers at work. To be used in the main thread, since signals arrive there."""

    def __init__(
        self,
        argv: Sequence[str],
        told: bytes,
        sockets: Sequence[socket.socket],
        *,
        count: int,
        env: Mapping[str, str] | None = None,
        started: Callable[[], None] = lambda: None,
        gone: Callable[[int], None] = lambda pid: None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        """
        Args:
            argv: the program of a worker; the descriptors of its end of the line and of ``sockets`` are added.
            told: what each worker is told through the line.
            sockets: that they inherit.
            count: of workers.
            env: their environment; None: that of this process.
            started: called once, when all of them are up.
            gone: called with the process id of each that ended, whatever it left behind.
            grace: seconds that workers have to end.
        """
        self._argv = tuple(argv)
        self._told = told
        self._sockets = tuple(sockets)
        self._env = env
        self._started = started
        self._gone = gone
        self._grace = grace
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._due = dict.fromkeys(range(1, count + 1), 0.0)
        """Places without a worker, and from when on each may have one."""
        self._tries = dict.fromkeys(range(1, count + 1), 0)
        """How often in a row the worker of each place ended too soon."""
        self._count = count
        self._were_up = False
        self._renewing: deque[_Worker] = deque()
        self._signals: deque[int] = deque()
        self._until: float | None = None
        """When those are killed that did not end; None: nobody was told to."""

    def run(self) -> None:
        """Until SIGTERM or SIGINT, and until the last worker has ended. SIGHUP replaces them one after the other.

        Raises:
            Unreachable: not one worker came up.
        """
        with self._selector, self._heard():
            try:
                while self._until is None or self._workers:
                    self._turn()
            finally:
                for worker in list(self._workers):
                    worker.process.kill()
                    self._bury(worker)

    def _turn(self) -> None:
        now = time.monotonic()
        if self._until is None:
            for number in [number for number, due in self._due.items() if due <= now]:
                del self._due[number]
                self._start(number)
        elif now >= self._until:
            for worker in self._workers:
                _log.warning("worker %d (process %d) did not end in time, and is killed", *_name(worker))
                worker.process.kill()
            self._until = now + self._grace
        for ready, _ in self._selector.select(self._pause(now)):
            if ready.data is None:
                with suppress(BlockingIOError):
                    ready.fileobj.recv(4096)  # type: ignore[union-attr]
            else:
                self._hear(ready.data)
        while self._signals:
            self._heed(self._signals.popleft())

    def _pause(self, now: float) -> float | None:
        """How long nothing needs to be done unless something happens."""
        times = [self._until] if self._until is not None else list(self._due.values())
        return max(0.0, min(times) - now) if times else None

    def _start(self, number: int, replaces: _Worker | None = None) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            inherited = [theirs.fileno(), *(one.fileno() for one in self._sockets)]
            # In a session of its own: Ctrl-C is for this process alone, which then tells them.
            process = subprocess.Popen(
                [*self._argv, *map(str, inherited)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=inherited, start_new_session=True,
                env=self._env,
            )  # fmt: skip
        worker = _Worker(number=number, process=process, line=ours, begun=time.monotonic(), replaces=replaces)
        self._workers.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        with suppress(OSError):  # it has ended already, which is heard next
            tell(ours, self._told)

    def _hear(self, worker: _Worker) -> None:
        try:
            word = worker.line.recv(16)
        except OSError:
            word = b""
        if not word:
            self._ended(worker)
        elif UP in word and not worker.up:
            worker.up = True
            _log.info("worker %d (process %d) is up", *_name(worker))
            if worker.replaces is not None:
                worker.replaces.retiring = True
                with suppress(OSError):  # it has ended just now
                    worker.replaces.line.sendall(RETIRE)
                worker.replaces = None
                self._renew()
            elif not self._were_up and sum(one.up for one in self._workers) == self._count:
                self._were_up = True
                self._started()

    def _ended(self, worker: _Worker) -> None:
        self._bury(worker)
        how = _how(worker.process.returncode)
        if worker.retiring or self._until is not None:
            _log.info("worker %d (process %d) %s", *_name(worker), how)
            return
        if worker.replaces is not None:
            _log.warning("worker %d (process %d) %s before it was up: the old ones stay", *_name(worker), how)
            self._renewing.clear()
            return
        successor = next((one for one in self._workers if one.replaces is worker), None)
        if successor is not None:
            successor.replaces = None
            self._renew()
            return
        lived = time.monotonic() - worker.begun
        tries = self._tries[worker.number] = 0 if lived >= STEADY_SECONDS else self._tries[worker.number] + 1
        if not self._were_up and not worker.up and tries >= MOST_TRIES:
            raise Unreachable("The workers of the index do not start; what they said stands above.")
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries - 1, 10)) if tries else 0.0
        _log.warning("worker %d (process %d) %s; another starts in %.1f s", *_name(worker), how, pause)
        self._due[worker.number] = time.monotonic() + pause

    def _bury(self, worker: _Worker) -> None:
        if worker.line.fileno() >= 0:
            self._selector.unregister(worker.line)
            worker.line.close()
        # Its end of the line is closed, so that it has ended, or is at its very end.
        try:
            worker.process.wait(self._grace)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        self._workers.remove(worker)
        self._gone(worker.process.pid)

    def _heed(self, number: int) -> None:
        if number == signal.SIGHUP:
            if self._until is None and not self._renewing:
                self._renewing.extend(one for one in self._workers if one.up and not one.retiring)
                _log.info("all workers are replaced, one after the other")
                self._renew()
            return
        if self._until is None:
            self._until = time.monotonic() + self._grace
            for one in self._sockets:
                one.close()  # nobody is to wait for what will not be taken
        for worker in self._workers:
            _retire(worker)

    def _renew(self) -> None:
        """Start a successor of the next worker that is to be replaced, unless it is gone by now."""
        while self._renewing and self._until is None:
            old = self._renewing.popleft()
            if old in self._workers:
                self._start(old.number, replaces=old)
                return

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Signals are noted, and wake the selector."""
        ours, theirs = socket.socketpair()
        with ExitStack() as undo, ours, theirs:
            for one in (ours, theirs):
                one.setblocking(False)
            self._selector.register(ours, selectors.EVENT_READ, None)
            undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                undo.callback(signal.signal, number, signal.signal(number, self._note))
            yield

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)


def _retire(worker: _Worker) -> None:
    worker.retiring = True
    worker.process.terminate()


def _name(worker: _Worker) -> tuple[int, int]:
    return worker.number, worker.process.pid


def _how(code: int) -> str:
    if code >= 0:
        return "ended" if code == 0 else f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
