# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Finished representations in memory: made once per change, and never served after the next one."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any

MAX_CACHED_BYTES = 64 * 1024 * 1024
"""Of all together, packed and not; the longest unused go first."""

_LEAST_PACKED = 200
"""Bytes below which nothing is gained by packing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A finished representation of something, and what is sent along."""

    content_type: str
    body: bytes
    packed: bytes
    """The same, gzipped."""
    etag: str
    """Of ``body``: strong, quoted (RFC 9110 section 8.8.3)."""
    packed_etag: str
    """Of ``packed``: another representation has another tag."""
    serial: int | None
    """That of the project or the list it shows; None for what never changes."""
    stamp: Hashable
    """What it was made of: equal only if it would be made the same again."""

    @property
    def weight(self) -> int:
        """Bytes in memory."""
        return len(self.body) + len(self.packed)


def finish(content_type: str, body: bytes, *, stamp: Hashable, serial: int | None = None) -> Page:
    """A page with this body."""
    digest = hashlib.sha256(content_type.encode() + b"\n" + body).hexdigest()[:32]
    packed = gzip.compress(body, compresslevel=6, mtime=0) if len(body) >= _LEAST_PACKED else body
    return Page(
        content_type=content_type,
        body=body,
        packed=packed,
        etag=f'"{digest}"',
        packed_etag=f'"{digest}-gzip"' if packed is not body else f'"{digest}"',
        serial=serial,
        stamp=stamp,
    )


class Cache:
    """Pages by key. Any thread may use it; it waits for nobody but who makes the same page just now."""

    def __init__(self, max_bytes: int = MAX_CACHED_BYTES) -> None:
        self._max_bytes = max_bytes
        self._pages: OrderedDict[Hashable, tuple[Page, Hashable]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._making: dict[Hashable, Lock] = {}

    def at_hand(self, key: Hashable, state: Hashable) -> Page | None:
        """The page, if it was right in this very state of the store."""
        with self._lock:
            found = self._pages.get(key)
            if found is None or found[1] != state:
                return None
            self._pages.move_to_end(key)
            return found[0]

    def page(self, key: Hashable, stamp: Hashable, state: Hashable, make: Callable[[], Page]) -> Page:
        """The page with this stamp: one that is here, or a new one, made by one of those who want it at a time.

        ``state`` is what the store was in before the stamp was read: in it, the page is right.
        """
        with self._lock:
            turn = self._making.setdefault(key, Lock())
        try:
            with turn:
                page = self._of(key, stamp) or make()
                self._keep(key, page, state)
                return page
        finally:
            with self._lock:
                self._making.pop(key, None)

    def _of(self, key: Hashable, stamp: Hashable) -> Page | None:
        with self._lock:
            found = self._pages.get(key)
        return found[0] if found is not None and found[0].stamp == stamp else None

    def _keep(self, key: Hashable, page: Page, state: Hashable) -> None:
        with self._lock:
            old: tuple[Page, Any] | None = self._pages.pop(key, None)
            self._bytes += page.weight - (old[0].weight if old is not None else 0)
            self._pages[key] = (page, state)
            while self._bytes > self._max_bytes:
                _, (dropped, _) = self._pages.popitem(last=False)
                self._bytes -= dropped.weight
