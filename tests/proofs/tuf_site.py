# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A TUF repository on a site of the test's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from .sites import Site


class Repository:
    """A TUF repository."""

    def __init__(self, made: Site) -> None:
        self._site = made
        self.signer = CryptoSigner.generate_ecdsa()
        self.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        self.root = Root(expires=self.expires, consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            self.root.add_key(self.signer.public_key, role)
        self.first = self._signed(self.root)
        self._put("1.root.json", self.first)

    def publish(
        self, content: bytes, version: int, name: str = "trusted_root.json", more: Mapping[str, bytes] | None = None
    ) -> None:
        files = {name: content, **(more or {})}
        made = {one: TargetFile.from_data(one, data, ["sha256"]) for one, data in files.items()}
        targets = self._signed(Targets(version=version, expires=self.expires, targets=made))
        snapshot_meta = {"targets.json": MetaFile(version)}
        snapshot = self._signed(Snapshot(version=version, expires=self.expires, meta=snapshot_meta))
        timestamp = Timestamp(version=version, expires=self.expires, snapshot_meta=MetaFile(version))
        self._put(f"{version}.targets.json", targets)
        self._put(f"{version}.snapshot.json", snapshot)
        self._put("timestamp.json", self._signed(timestamp))
        for one, data in files.items():
            self._put(f"targets/{hashlib.sha256(data).hexdigest()}.{one}", data)

    def _put(self, name: str, content: bytes) -> None:
        self._site.pages[f"/tuf/{name}"] = ("application/json", content)

    def _signed(self, said: Any) -> bytes:
        metadata = Metadata(said)
        metadata.sign(self.signer)
        found: bytes = metadata.to_bytes()
        return found
