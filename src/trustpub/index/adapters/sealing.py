# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Short secrets under AES-256-GCM (NIST SP 800-38D), with a key that is derived from the server's secret."""

from __future__ import annotations

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustpub.index.ports import BadSeal

_NONCE_BYTES = 12
_VERSION = "1."


class Sealer:
    """What is written is ``1.`` and base64url of nonce, cipher text and tag."""

    def __init__(self, key: bytes) -> None:
        """``key``: 32 bytes for this purpose alone."""
        self._cipher = AESGCM(key)

    def seal(self, content: bytes, about: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return (
            _VERSION + base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, content, about.encode())).decode()
        )

    def unseal(self, sealed: str, about: str) -> bytes:
        if not sealed.startswith(_VERSION):
            raise BadSeal
        try:
            raw = base64.b64decode(sealed[len(_VERSION) :].encode(), altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
        except (ValueError, InvalidTag):
            raise BadSeal from None
