# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What parent and worker say to each other through the pair of sockets between them.

The parent tells first what is to be served, secrets and all: in no file, no argument and no environment of a process,
where others could read it. The worker answers once, when it is up. After that the line is silent, but for the word that
another worker has taken this one's place; and its end is the end of whoever held the other one.
"""

from __future__ import annotations

import io
import pickle
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from trustpub.index.configuration.whole import Place
from trustpub.index.settings import Logs, Settings
from trustpub.secret import Secret

UP = b"+"
"""The worker takes requests."""
RETIRE = b"-"
"""The worker is to end, while others go on."""

_LENGTH = struct.Struct("!Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a worker is to serve, and how."""

    place: Place
    """With absolute paths."""
    settings: Settings
    certificate: Path | None
    key: Path | None
    trusted_proxies: tuple[str, ...]
    stop_seconds: int
    """How long what is under way may take when it is to end."""
    figures: Path | None
    """The folder in which all workers count together; None: nobody may read the figures."""
    logs: Logs
    quiet: bool
    """Whether only warnings are logged, whatever else is said."""

    def pack(self) -> bytes:
        """As it is told. It holds secrets."""
        packed = io.BytesIO()
        pickler = pickle.Pickler(packed)
        # A Secret refuses to be written down: here alone it may be, on its way from one process to its child.
        pickler.dispatch_table = {Secret: lambda secret: (Secret, (secret.reveal(),))}
        pickler.dump(self)
        return packed.getvalue()


def unpack(packed: bytes) -> Task:
    """What :meth:`Task.pack` made."""
    task = pickle.loads(packed)  # noqa: S301 - see above
    if not isinstance(task, Task):
        raise TypeError("not a task")
    return task


def tell(line: socket.socket, told: bytes) -> None:
    """Say it, and return once it is on its way."""
    line.sendall(_LENGTH.pack(len(told)) + told)


def hear(line: socket.socket) -> bytes:
    """What the parent tells.

    Raises:
        EOFError: it is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size))
    return _exactly(line, length)


def _exactly(line: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        more = line.recv(min(1 << 16, count - len(found)))
        if not more:
            raise EOFError("the parent is gone")
        found += more
    return bytes(found)
