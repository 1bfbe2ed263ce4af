# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations by a local Sigstore for whatever a certificate may say, at whatever time: no identity is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from trustpub.proofs.attestation import PUBLISH
from trustpub.rehearsal.sigstore.attesting import attest
from trustpub.rehearsal.sigstore.authority import Authority
from trustpub.rehearsal.sigstore.log import Log
from trustpub.rehearsal.sigstore.server import trusted_root
from trustpub.rehearsal.sigstore.stamps import Stamps


def statement(filename: str, digest: str, **changes: Any) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": digest}}],
        "predicateType": PUBLISH,
        "predicate": None,
        **changes,
    }


class Sigstore:
    """One instance. ``url`` tells it from others."""

    def __init__(self, url: str = "https://sigstore.example") -> None:
        self.url = url
        self.now = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
        host = url.partition("://")[2]
        self.authority = Authority(url, self._clock)
        self.log = Log(host, self._clock)
        self._stamps = Stamps(url, self._clock)

    def _clock(self) -> float:
        return self.now.timestamp()

    def trusted_root(self) -> dict[str, Any]:
        """As ``trusted_root.json``."""
        start = (self.now - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return dict(trusted_root(self.url, self.authority, self.log, self._stamps, start=start))

    def attest(
        self,
        said: Mapping[str, str],
        filename: str,
        digest: str,
        *,
        late: timedelta = timedelta(),
        **changes: Any,
    ) -> dict[str, Any]:
        """An attestation for a file, by whom ``said`` names; ``late`` after the certificate, ``changes`` as stated."""
        named = said if {"email", "san"} & set(said) else {"san": said.get("build_config_uri", self.url), **said}
        return attest(self.authority, self.log, named, statement(filename, digest, **changes), late=late)
