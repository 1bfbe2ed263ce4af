# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A store whose waits are counted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

from trustpub.index.metering import Meter
from trustpub.index.ports import Reading, Store, Writing

T = TypeVar("T")


class TimedStore:
    """:class:`trustpub.index.ports.Store` that tells a meter how long each transaction waited to begin."""

    def __init__(self, store: Store, meter: Meter) -> None:
        self._store = store
        self._told = meter.stored

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
            self._told("write", perf_counter() - begun)
            yield writing

    def transact(self, work: Callable[[Writing], T]) -> T:
        return self._store.transact(self._timed(work))

    def transact_all(self, works: Sequence[Callable[[Writing], T]]) -> Sequence[T | Exception]:
        if not works:
            return self._store.transact_all(works)
        first, *others = works
        return self._store.transact_all([self._timed(first), *others])

    def _timed(self, work: Callable[[Writing], T]) -> Callable[[Writing], T]:
        begun = perf_counter()
        told = self._told

        def timed(writing: Writing) -> T:
            told("write", perf_counter() - begun)
            return work(writing)

        return timed
