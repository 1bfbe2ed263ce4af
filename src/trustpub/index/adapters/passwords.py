# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Passwords by argon2id (RFC 9106): the second recommended choice, 64 MiB for each."""

from __future__ import annotations

import base64
import secrets
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

PASSES, KIBIBYTES, LANES = 3, 64 * 1024, 4
AT_ONCE = 2
"""How many are computed at the same time, whoever asks: each takes the memory, and a core."""


class Argon2Passwords:
    """argon2id in its own encoding."""

    def __init__(self, *, passes: int = PASSES, kibibytes: int = KIBIBYTES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=kibibytes, parallelism=LANES, type=Type.ID)
        self._turn = BoundedSemaphore(AT_ONCE)
        # No password has it: the digest is chance. To find that out takes as long as with anybody's.
        salt, digest = (_base64(secrets.token_bytes(count)) for count in (self._hasher.salt_len, self._hasher.hash_len))
        self._nobodys = f"$argon2id$v={ARGON2_VERSION}$m={kibibytes},t={passes},p={LANES}${salt}${digest}"

    def hash(self, password: str) -> str:
        with self._turn:
            return self._hasher.hash(_bytes(password))

    def fits(self, kept: str | None, password: str) -> bool:
        # Nobody's password is checked as well, so that it takes as long.
        with self._turn:
            try:
                fits = self._hasher.verify(kept or self._nobodys, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return fits and kept is not None

    def stale(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")
