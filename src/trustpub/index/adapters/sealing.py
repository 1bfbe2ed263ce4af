# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Short secrets under AES-256-GCM (NIST SP 800-38D), with a key that is derived from the server's secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustpub.index.ports import BadSeal

_NONCE_BYTES = 12
_VERSION = "1."


SECRETS, WAYS = "sealed secrets", "ways to a provider"
"""Purposes of keys: for what is kept, and for what a browser brings back."""


class Sealer:
    """What is written is ``1.`` and base64url of nonce, cipher text and tag."""

    def __init__(self, keys: Sequence[bytes] | Callable[[], Sequence[bytes]]) -> None:
        """``keys``: 32 bytes each, for this purpose alone: the first seals, all of them unseal. They may change."""
        self._keys = keys

    def seal(self, content: bytes, about: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return (
            _VERSION
            + base64.urlsafe_b64encode(nonce + self._ciphers()[0].encrypt(nonce, content, about.encode())).decode()
        )

    def unseal(self, sealed: str, about: str) -> bytes:
        if not sealed.startswith(_VERSION):
            raise BadSeal
        try:
            raw = base64.b64decode(sealed[len(_VERSION) :].encode(), altchars=b"-_", validate=True)
        except ValueError:
            raise BadSeal from None
        for cipher in self._ciphers():
            with suppress(ValueError, InvalidTag):
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
        raise BadSeal

    def _ciphers(self) -> Sequence[AESGCM]:
        return [AESGCM(one) for one in (self._keys() if callable(self._keys) else self._keys)]
