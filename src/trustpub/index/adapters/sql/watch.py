# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether anything was committed since: a question cheap enough to be asked for every request.

SQLite answers it out of memory that all processes at one database share, in four microseconds; a thread that begins a
transaction and reads a row takes fifty times that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from pathlib import Path
from threading import Lock


class Watch:
    """Of the database at ``path``, by a connection of its own that never writes. Any thread may ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened = 0

    def state(self) -> Hashable:
        """Equal to an earlier answer only if nothing was committed since."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                # All rows are fetched: a statement left open would hold a transaction open.
                [(version,)] = self._connection.execute("PRAGMA data_version").fetchall()
            except sqlite3.Error:
                # Locked for a moment, or not to be opened: the reading that follows waits, or says what is wrong.
                return object()
            # The number says nothing to another connection than this one.
            return (self._opened, version)

    def close(self) -> None:
        """Let go of the file; asking again opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        # Never makes the file: it is there, or the reading that follows says so.
        where = self._path.absolute().as_uri() + "?mode=rw"
        connection = sqlite3.connect(where, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
        self._opened += 1
        return connection
