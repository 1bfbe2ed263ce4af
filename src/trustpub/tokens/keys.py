# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Root keys: derived from one server secret, so that no key is ever stored beside the tokens it signs."""

from __future__ import annotations

import hashlib
import hmac

_KEY_ID_LABEL = b"trustpub v1 key id"
_ROOT_LABEL = b"trustpub v1 macaroon root key\x00"
_OTHER_LABEL = b"trustpub v1 key for\x00"


class RootKeys:
    """The root key of every token, computed from the server secret and the token's identifier.

    Whoever has only the database can check nothing and mint nothing; whoever has the secret can do both.
    """

    __slots__ = ("_secret", "key_id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("a server secret has at least 32 bytes")
        self._secret = secret
        self.key_id = hmac.digest(secret, _KEY_ID_LABEL, hashlib.sha256).hex()[:16]
        """Tells secrets apart, and is written beside each token; says nothing about the secret."""

    def root(self, token_id: str) -> bytes:
        """The 32-byte root key of the token with this identifier."""
        return hmac.digest(self._secret, _ROOT_LABEL + token_id.encode(), hashlib.sha256)

    def root_of(self, key_id: str, token_id: str) -> bytes | None:
        """The same, of a token that was made under the secret with this id; None if that is another secret."""
        return self.root(token_id) if key_id == self.key_id else None

    def keys_for(self, purpose: str) -> tuple[bytes, ...]:
        """Keys under which something may have been made that is still good, the newest first."""
        return (self.key_for(purpose),)

    def key_for(self, purpose: str) -> bytes:
        """A 32-byte key for something else than tokens, another for each ``purpose``."""
        return hmac.digest(self._secret, _OTHER_LABEL + purpose.encode(), hashlib.sha256)

    def __repr__(self) -> str:
        return f"RootKeys(key_id={self.key_id!r})"
