# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One of the processes of ``trustpub serve --workers N``: started by that command, and of no use without it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from trustpub.errors import TrustpubError

REFUSED = 1


def main(arguments: Sequence[str]) -> int:
    """Serve what the parent tells, until it says so or is gone.

    Args:
        arguments: the descriptors of our end of the line to the parent, and of the socket to serve on.
    """
    from trustpub.index import logs
    from trustpub.index.workers.channel import UP, hear, unpack

    # Until it serves, there is nothing to end in order; and by default Ctrl-C would be told as a bug.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    line, listening = (_own(int(one)) for one in arguments)
    with line:
        try:
            task = unpack(hear(line))
        except EOFError:
            return 0
        logs.set_up(task.logs, sys.stderr, quiet=task.quiet)
        from trustpub.cli.admin.folder import open_index
        from trustpub.index.serving import run

        stopping = _Stopping(line)
        try:
            with open_index(task.place) as folder:

                def started() -> None:
                    stopping.expected = True
                    line.sendall(UP)

                run(
                    folder,
                    listening,
                    task.settings,
                    certificate=task.certificate,
                    key=task.key,
                    trusted_proxies=task.trusted_proxies,
                    stop_seconds=task.stop_seconds,
                    one_of_many=True,
                    figures=task.figures,
                    retire=stopping.retire,
                    started=started,
                )
        except TrustpubError as error:
            logging.getLogger("trustpub.workers").error("%s", error.message)
            return REFUSED
    return 0


class _Stopping:
    """SIGTERM is the ordinary way to end; and the end of the parent, however it came, is the same."""

    def __init__(self, line: socket.socket) -> None:
        self.expected = False
        """Whether it got as far as serving, so that the server sees to it itself."""
        self.retire = threading.Event()
        """Whether another has taken its place."""
        signal.signal(signal.SIGTERM, self._stop)
        threading.Thread(target=self._listen, args=(line,), name="parent", daemon=True).start()

    def _stop(self, number: int, frame: object) -> None:
        if not self.expected:
            os._exit(0)

    def _listen(self, line: socket.socket) -> None:
        from trustpub.index.workers.channel import RETIRE

        with suppress(OSError):
            while word := line.recv(16):
                if RETIRE in word:
                    self.retire.set()
        os.kill(os.getpid(), signal.SIGTERM)


def _own(descriptor: int) -> socket.socket:
    """A socket that was inherited, and that no program started from here inherits again."""
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
