# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A file on its way in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from trustpub.index.ports import Blobs, Staged
from trustpub.protocol.exchange import Problem

_CHUNK = 1024 * 1024

Judge = Callable[[Sequence[tuple[str, str]]], None]
"""Sees the fields that stand before the content; raises :class:`EarlyRefusal` if it is not to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """That a file was on another index before, and what was true of it there."""

    uploaded: float
    """When it was uploaded there: Unix time."""
    yanked: str | None = None
    """As :attr:`trustpub.index.kept.File.yanked`."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """As :attr:`trustpub.index.kept.File.origin`: ``imported``, what it was taken from, and ``by``, who uploaded it
    there, where that is known."""


class TooLarge(Exception):
    """More bytes came than a file may have."""


class EarlyRefusal(Exception):
    """What came before the content is reason enough to refuse it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Arrival:
    """The bytes of one file on their way in: staged and hashed in one pass. A context manager; not for two threads."""

    def __init__(
        self,
        blobs: Blobs,
        max_bytes: int,
        judge: Judge = lambda fields: None,
        *,
        earlier: Earlier | None = None,
    ) -> None:
        """Of at most ``max_bytes``, from where ``judge`` lets them come; ``earlier``: it is not new to the world."""
        self.earlier = earlier
        self._blobs = blobs
        self._max_bytes = max_bytes
        self._judge = judge
        self._held = ExitStack()
        self._staged: Staged | None = None
        self._sha256 = hashlib.sha256()
        self._blake2b_256 = hashlib.blake2b(digest_size=32)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashes_md5 = False
        self._size = 0

    def __enter__(self) -> Arrival:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self, *, md5: bool, fields: Sequence[tuple[str, str]] = ()) -> None:
        """The content begins.

        Args:
            md5: whether a digest of this kind was announced, for which it is computed.
            fields: those that came before it.

        Raises:
            EarlyRefusal: they show already that it will not be taken.
        """
        self._judge(fields)
        self._hashes_md5 = md5
        self._staged = self._held.enter_context(self._blobs.stage())

    def write(self, chunk: bytes) -> None:
        """The next bytes.

        Raises:
            TooLarge: they are too many now.
        """
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise TooLarge
        self.staged.write(chunk)
        self._sha256.update(chunk)
        self._blake2b_256.update(chunk)
        if self._hashes_md5:
            self._md5.update(chunk)

    def close(self) -> None:
        """Drop what was not kept. May be called more than once."""
        self._held.close()

    @property
    def staged(self) -> Staged:
        """Where the bytes are. :meth:`open` comes first."""
        if self._staged is None:
            raise RuntimeError("the content has not begun")
        return self._staged

    @property
    def begun(self) -> bool:
        """Whether there was any content, be it empty."""
        return self._staged is not None

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._size

    @property
    def sha256(self) -> str:
        """Of the bytes so far, as the others."""
        return self._sha256.hexdigest()

    @property
    def blake2b_256(self) -> str:
        """BLAKE2b with 32 bytes."""
        return self._blake2b_256.hexdigest()

    def md5(self) -> str:
        """For clients that send it, hashed on the way in or, where it was announced too late, read again."""
        if not self._hashes_md5:
            self._read_again(self._md5)
            self._hashes_md5 = True
        return self._md5.hexdigest()

    def digest(self, algorithm: str) -> str:
        """By any that :mod:`hashlib` names, which may take another look at the bytes."""
        if algorithm == "sha256":
            return self.sha256
        if algorithm == "md5":
            return self.md5()
        found = hashlib.new(algorithm, usedforsecurity=False)
        self._read_again(found)
        return found.hexdigest()

    def _read_again(self, into: hashlib._Hash) -> None:
        with open(self.staged.path(), "rb") as file:
            while chunk := file.read(_CHUNK):
                into.update(chunk)
