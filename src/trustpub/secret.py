# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Text that must not be printed by accident."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A token or key that shows itself only through :meth:`reveal`.

    ``repr``, ``str`` and every format show a fingerprint; pickling is refused.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself. Each call is a place to look at in a review."""
        return self._value

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits of SHA-256: enough to tell two secrets apart, useless to find one."""
        import hashlib  # most secrets are never told apart

        return hashlib.sha256(self._value.encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"Secret(sha256:{self.fingerprint})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written down")
