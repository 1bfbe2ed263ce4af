# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The other processes of an index, on this machine and on others: they meet at the PostgreSQL server.

Each has one connection for it. What one tells goes through ``NOTIFY`` (some milliseconds, nothing is stored), and who
keeps house is who holds an advisory lock: the server takes it back with the connection, whatever became of the process.

What is told while there is no connection waits, up to a bound; what is said meanwhile by others is not heard.
"""

from __future__ import annotations

import json
import logging
import os
import select
import threading
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import psycopg

from trustpub.index.settings import Postgres

CHANNEL = "trustpub"
HOUSE = int.from_bytes(b"tp:house")
"""The number of the advisory lock of who keeps house."""
LOOK_SECONDS = 5.0
"""How often it is looked whether the connection holds, and whether the house is without a keeper."""
LINGER_SECONDS = 0.05
"""How long a word waits for others, which then travel with it."""
CONNECT_SECONDS = 5
FIRST_PAUSE_SECONDS = 0.5
MOST_WAITING = 4096
"""Words that are kept while nobody can be told; then the oldest are dropped."""
MOST_BYTES = 7500
"""Of one notification. The server takes less than 8,000."""

_log = logging.getLogger("trustpub.index")


class PostgresFellows:
    """:class:`trustpub.index.ports.Fellows` by way of the database that they share."""

    def __init__(self, postgres: Postgres) -> None:
        self._url = postgres.url
        self._name = uuid.uuid4().hex
        self._hearing: dict[str, Callable[[str], None]] = {}
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MOST_WAITING)
        self._leads = False
        self._ended = threading.Event()
        self._wake, self._woken = -1, -1
        self._thread: threading.Thread | None = None

    def leads(self) -> bool:
        """As of the last look, which was a few seconds ago at most."""
        return self._leads

    def tell(self, topic: str, word: str) -> None:
        """Put it to what is said next."""
        self._waiting.append((topic, word))
        if self._wake >= 0:
            with suppress(OSError):  # full, and then it wakes anyway; or closed just now
                os.write(self._wake, b".")

    def listen(self, topic: str, hear: Callable[[str], None]) -> None:
        """Have ``hear`` called, in the thread that meets the others."""
        self._hearing[topic] = hear

    def begin(self) -> None:
        """Meet them, in a thread, from now on."""
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        self._thread = threading.Thread(target=self._run, name="fellows", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave them. Who keeps house is somebody else from now on."""
        if self._thread is None:
            return
        self._ended.set()
        with suppress(OSError):
            os.write(self._wake, b".")
        self._thread.join(CONNECT_SECONDS + 1)
        if not self._thread.is_alive():
            wake, self._wake = self._wake, -1
            os.close(wake)
            os.close(self._woken)
        self._thread = None

    def _run(self) -> None:
        pause, said = FIRST_PAUSE_SECONDS, ""
        while not self._ended.is_set():
            try:
                with psycopg.connect(
                    self._url.reveal(),
                    autocommit=True,
                    connect_timeout=CONNECT_SECONDS,
                    application_name="trustpub meets",
                ) as connection:
                    connection.add_notify_handler(self._heard)
                    connection.execute(f"LISTEN {CHANNEL}")
                    if said:
                        _log.warning("the other processes of the index can be met again")
                    pause, said = FIRST_PAUSE_SECONDS, ""
                    self._meet(connection)
            except (psycopg.Error, OSError) as error:
                if not said:
                    said = type(error).__name__
                    _log.warning("the other processes of the index cannot be met: %s", said)
            finally:
                self._leads = False
            self._ended.wait(pause)
            pause = min(LOOK_SECONDS, 2 * pause)

    def _meet(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """As long as the connection holds."""
        while not self._ended.is_set():
            if self._leads:
                connection.execute("SELECT 1")
            else:
                found = connection.execute("SELECT pg_try_advisory_lock(%s)", (HOUSE,)).fetchone()
                self._leads = found is not None and found[0] is True
            self._say(connection)
            select.select([connection.fileno(), self._woken], [], [], LOOK_SECONDS)
            if self._waiting and not self._ended.is_set():
                self._ended.wait(LINGER_SECONDS)
            with suppress(BlockingIOError):
                os.read(self._woken, 4096)

    def _say(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        while self._waiting:
            said: list[tuple[str, str]] = []
            room = MOST_BYTES - len(json.dumps({"by": self._name, "said": []}))
            while self._waiting:
                topic, word = self._waiting[0]
                weight = len(json.dumps([topic, word])) + 2
                if said and weight > room:
                    break
                self._waiting.popleft()
                if weight <= room:  # a word that fits into no notification is not said
                    said.append((topic, word))
                    room -= weight
            if said:
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, json.dumps({"by": self._name, "said": said})))

    def _heard(self, notification: psycopg.Notify) -> None:
        try:
            told = json.loads(notification.payload)
            said = [] if told["by"] == self._name else [(str(topic), str(word)) for topic, word in told["said"]]
        except (ValueError, KeyError, TypeError):
            _log.warning("another program speaks on the channel %s of the database", CHANNEL)
            return
        for topic, word in said:
            if (hear := self._hearing.get(topic)) is None:
                continue
            try:
                hear(word)
            except (ValueError, KeyError, TypeError):  # of this word alone: the others hold
                _log.warning("another program speaks on the channel %s of the database", CHANNEL)
