# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A trust root of Sigstore: the file that says whom to believe, and the one of the public-good instance, as shipped."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse
from trustpub.printable import quoted

PUBLIC_GOOD = "public-good"
"""The name of Sigstore's public instance."""
SHIPPED = "2026-11-21"
"""When the root that comes with this package was taken from sigstore 4.5.1, which had it over TUF."""
MAX_BYTES = 256 * 1024

_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One instance of Sigstore that is believed."""

    name: str
    path: Path
    sha256: str
    """Of the file."""
    dated: str
    """The day as of which it is: when it was shipped, fetched or added."""
    shipped: bool
    """Whether it came with this package."""
    logs: frozenset[str]
    """The transparency logs whose entries it judges, by id (base64)."""
    log_urls: tuple[str, ...]
    authorities: tuple[str, ...]
    """URLs of the certificate authorities."""

    @property
    def public(self) -> bool:
        """Whether it is the public-good instance, which everybody believes."""
        return self.name == PUBLIC_GOOD


def check_name(name: str) -> None:
    """That a root may have this name.

    Raises:
        Misuse: it may not.
    """
    if not _NAME.match(name):
        raise Misuse(f"{quoted(name)} cannot be the name of a trust root: lower-case letters, digits and dashes can.")


def read_root(name: str, path: Path, *, dated: str, shipped: bool = False) -> Root:
    """The root in a file.

    Raises:
        Misuse: it cannot be read, or is not a trusted root in Sigstore's JSON.
    """
    check_name(name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Misuse(f"The trust root {quoted(str(path))} cannot be read: {error.strerror}.") from error
    value = _load(content)
    if value.get("mediaType") not in _TYPES:
        raise Misuse(
            f"{quoted(str(path))} is not a trusted root of Sigstore.",
            hint="It is a JSON file with a `mediaType` of application/vnd.dev.sigstore.trustedroot…; an instance of "
            "Sigstore publishes it over TUF as trusted_root.json.",
        )
    try:
        logs = frozenset(one["logId"]["keyId"] for one in value["tlogs"])
        urls = tuple(str(one.get("baseUrl", "")) for one in value["tlogs"])
        authorities = tuple(dict.fromkeys(str(one.get("uri", "")) for one in value["certificateAuthorities"]))
        complete = bool(logs and authorities and value["ctlogs"])
    except (KeyError, TypeError, AttributeError):
        logs, urls, authorities, complete = frozenset(), (), (), False
    if not complete:
        raise Misuse(f"The trust root {quoted(str(path))} lacks a log, a certificate authority or a certificate log.")
    digest = hashlib.sha256(content).hexdigest()
    return Root(
        name=name, path=path, sha256=digest, dated=dated, shipped=shipped, logs=logs, log_urls=urls,
        authorities=authorities,
    )  # fmt: skip


def _load(content: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(content) if len(content) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def public_good() -> Root:
    """The root of the public-good instance, as shipped."""
    return read_root(PUBLIC_GOOD, _HERE / "public_good.json", dated=SHIPPED, shipped=True)


def first_of_tuf() -> bytes:
    """The TUF root metadata with which an update of the public-good root begins."""
    return (_HERE / "public_good.tuf.json").read_bytes()
