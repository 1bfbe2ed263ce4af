# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A store whose time is counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

from trustpub.index.metering import Meter
from trustpub.index.ports import Exchange, Reading, Store, Writing

T = TypeVar("T")


class TimedStore:
    """:class:`trustpub.index.ports.Store` that tells a meter how long a transaction took: to begin, where it reads;
    to be durable, where it writes.
    """

    def __init__(self, store: Store, meter: Meter) -> None:
        self._store = store
        self._told = meter.stored
        self.foresees = store.foresees

    @contextmanager
    def read(self) -> Iterator[Reading]:
        begun = perf_counter()
        with self._store.read() as reading:
            self._told("read", perf_counter() - begun)
            yield reading

    def state(self) -> Hashable:
        return self._store.state()

    @contextmanager
    def write(self) -> Iterator[Writing]:
        begun = perf_counter()
        with self._store.write() as writing:
            yield writing
        self._told("write", perf_counter() - begun)

    def transact(self, work: Callable[[Writing], T]) -> T:
        begun = perf_counter()
        answer = self._store.transact(work)
        self._told("write", perf_counter() - begun)
        return answer

    def transact_all(self, works: Sequence[Callable[[Writing], T]]) -> Sequence[T | Exception]:
        if not works:
            return self._store.transact_all(works)
        begun = perf_counter()
        answers = self._store.transact_all(works)
        self._told("write", perf_counter() - begun)
        return answers

    def exchange(self, exchanges: Sequence[Exchange]) -> Collection[str]:
        begun = perf_counter()
        written = self._store.exchange(exchanges)
        self._told("write", perf_counter() - begun)
        return written
