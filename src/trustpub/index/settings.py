# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the index was started with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Frozen at start. Lasting facts (audience, rehearsal) are in the store."""

    public_url: str
    """Scheme, host and port that clients use; no path, no trailing slash."""
    audience: str
    """What the ``aud`` claim of an identity token must be."""
    rehearsal: bool = False
    """A throw-away index that accepts issuers on loopback and ``.test`` names."""
    max_file_bytes: int = 1024 * 1024 * 1024

    @property
    def host(self) -> str:
        """The public URL's host name, which is the location of every token."""
        return _host(self.public_url)


@lru_cache(maxsize=1)
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
