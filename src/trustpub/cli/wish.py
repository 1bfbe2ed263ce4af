# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How a server was asked to run: what was configured, and what goes for one run only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trustpub.addresses import is_loopback

if TYPE_CHECKING:
    from trustpub.index.configuration.whole import Wanted

_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - to recognise them


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the index is to be served."""

    wanted: Wanted
    tls_dev: bool
    rehearsal: bool
    ephemeral: bool
    as_json: bool
    github_env: bool

    @property
    def data(self) -> Path:
        """The index's folder."""
        return self.wanted.place.data

    @property
    def scheme(self) -> str:
        """That of the listening socket."""
        return "https" if self.tls_dev or self.wanted.tls_cert else "http"

    @property
    def wildcard(self) -> bool:
        """Whether it listens on every address, so that none of them is *the* address."""
        return self.wanted.host in _WILDCARDS

    def is_private(self, public_url: str) -> bool:
        """Whether reading needs a token. Unless it is said, it does where others can come: by the address that it
        listens on, or by a proxy on this machine, which the public URL gives away.
        """
        if self.wanted.private is not None:
            return self.wanted.private
        return not (is_loopback(self.wanted.host) and is_loopback(urlsplit(public_url).hostname or ""))
