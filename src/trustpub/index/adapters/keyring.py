# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The server's secret, and for a while the one before it.

The secret is replaced while the index is served (:mod:`trustpub.index.adapters.rotating`): which one holds is a fact in
the store, and the file changes after it. So every use looks whether the file is the one that was read, which takes a
microsecond, and only when it is not, into the store.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from trustpub.errors import Misuse
from trustpub.index.adapters import durable, secretfile
from trustpub.index.ports import Clock, Reading, Store
from trustpub.tokens.keys import RootKeys

KEY_ID = "secret_key_id"
"""The fact that says which secret holds."""
BEFORE = "secret_before"
"""The fact that says which one still does, and until when: a JSON object with ``id`` and ``until``; empty: none."""


def next_to(path: Path) -> tuple[Path, Path]:
    """Where the secret after the one at ``path`` lies until it holds, and where the one before it lies."""
    return path.with_name(f"{path.name}.next"), path.with_name(f"{path.name}.before")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    keys: RootKeys
    before: RootKeys | None
    until: float
    stamp: tuple[int, ...]


class Keyring:
    """:class:`trustpub.index.ports.SecretKeys` of the secret at ``path``.

    Raises:
        Misuse: it is not there, can be read by others, or is not the one this index was made with.
    """

    def __init__(self, path: Path, store: Store, clock: Clock = time.time) -> None:
        self._path = path
        self._store = store
        self._clock = clock
        self._lock = Lock()
        finish(path, store)
        self._held = self._read()

    @property
    def key_id(self) -> str:
        """Of the secret that new tokens are made under."""
        return self._now().keys.key_id

    def root(self, token_id: str) -> bytes:
        """The root key of a token that is made now."""
        return self._now().keys.root(token_id)

    def root_of(self, key_id: str, token_id: str) -> bytes | None:
        """Also of one that was made before, for as long as the secret before is good."""
        held = self._now()
        if key_id == held.keys.key_id:
            return held.keys.root(token_id)
        before = self._before(held)
        return None if before is None else before.root_of(key_id, token_id)

    def key_for(self, purpose: str) -> bytes:
        """The key to use now."""
        return self._now().keys.key_for(purpose)

    def keys_for(self, purpose: str) -> tuple[bytes, ...]:
        """That, and the one before it for as long as it is good."""
        held = self._now()
        before = self._before(held)
        return held.keys.keys_for(purpose) + (() if before is None else before.keys_for(purpose))

    def _before(self, held: _Held) -> RootKeys | None:
        return held.before if held.before is not None and self._clock() < held.until else None

    def _now(self) -> _Held:
        held = self._held
        try:
            if _stamp(self._path) == held.stamp:
                return held
        except OSError:
            return held  # it was there, and will be again
        with self._lock, suppress(Misuse, OSError):
            # In the middle of being replaced, or lost: then what was read goes on until it is right again.
            self._held = self._read()
        return self._held

    def _read(self) -> _Held:
        try:
            stamp = _stamp(self._path)
        except OSError:
            stamp = ()
        keys = RootKeys(secretfile.load(self._path, create=False))
        with self._store.read() as reading:
            wanted, (before_id, until) = reading.fact(KEY_ID) or "", former(reading)
        if keys.key_id != wanted:
            raise wrong_secret(self._path, keys.key_id, wanted)
        return _Held(keys=keys, before=_former_keys(self._path, before_id), until=until, stamp=stamp)


def former(reading: Reading) -> tuple[str, float]:
    """The id of the secret before, and until when it is good; empty where there is none."""
    told = json.loads(reading.fact(BEFORE) or "{}")
    return str(told.get("id", "")), float(told.get("until", 0))


def wrong_secret(path: Path, found: str, wanted: str) -> Misuse:
    """What to say of a secret that is not the one the index was made with."""
    return Misuse(
        f"The secret at {path} (key id {found}) is not the one this index was made with (key id {wanted}).",
        hint="Put the right one back: with another, no token this index gave out would be valid.",
    )


def finish(path: Path, store: Store) -> None:
    """Put the next secret into its place, if it holds already: whoever replaced the secret was stopped in between."""
    coming, _ = next_to(path)
    try:
        key_id = RootKeys(secretfile.load(coming, create=False)).key_id
    except Misuse:
        return
    with store.read() as reading:
        holds = reading.fact(KEY_ID) == key_id
    if holds:
        with suppress(FileNotFoundError):  # another process was faster
            os.replace(coming, path)
            durable.sync(path.parent)


def _former_keys(path: Path, key_id: str) -> RootKeys | None:
    if not key_id:
        return None
    try:
        keys = RootKeys(secretfile.load(next_to(path)[1], create=False))
    except Misuse:
        return None
    return keys if keys.key_id == key_id else None


def _stamp(path: Path) -> tuple[int, ...]:
    found = os.stat(path)
    return (found.st_mtime_ns, found.st_ino, found.st_size)
