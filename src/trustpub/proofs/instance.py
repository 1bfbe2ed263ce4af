# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An instance of Sigstore to sign with: where its authority and its log are, and whom to believe of them.

Read from a ``ClientTrustConfig`` in Sigstore's JSON (sigstore/protobuf-specs, sigstore_trustroot.proto), or fetched
over TUF for the public-good instance. Of the logs only those of Rekor version 1 count: the entry of a newer one has its
signed time where PEP 740 has no place for it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse, Unreachable
from trustpub.http import Http, split
from trustpub.printable import printable
from trustpub.proofs.root import Root, first_of_tuf, public_good, read_root
from trustpub.proofs.update import PUBLIC_URL, TARGET, targets

MAX_BYTES = 512 * 1024
"""Of a trust configuration; the public instance's has 10 KiB."""
SIGNING_CONFIG = "signing_config.v0.2.json"
"""The target of a TUF repository that says where to sign."""

_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_SIGNING = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
_WHAT = "A trust configuration is what `sigstore --trust-config` takes: trusted root and signing configuration in one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One instance of Sigstore, as somebody who signs must know it."""

    told: str
    """Which one it is, in words that stand within a sentence; printable."""
    fulcio: str
    """URL of the certificate authority."""
    rekor: str
    """URL of the transparency log (Rekor version 1)."""
    trusted_root: bytes
    """As ``trusted_root.json``: keys and certificates to believe."""
    public: bool
    """Whether its log is that of the public-good instance, which anybody reads, for good."""

    def root(self, folder: Path) -> Root:
        """Its trusted root as a file in ``folder``, where the verifier wants it.

        Raises:
            Misuse: it is none.
        """
        path = folder / "trusted_root.json"
        path.write_bytes(self.trusted_root)
        return read_root("signing", path, dated="")


def read_instance(content: bytes, told: str, *, now: float) -> Instance:
    """The instance that a trust configuration describes.

    Args:
        content: JSON.
        told: what the configuration is, within a sentence; printable.
        now: Unix time: services that are over, or not yet there, do not count.

    Raises:
        Misuse: it is none, or has no authority or no log of Rekor version 1 that is in service now.
    """
    value = _json(content)
    if value.get("mediaType") != _CONFIG:
        raise Misuse(f"{begun(told)} is not a trust configuration of Sigstore.", hint=_WHAT)
    trusted, signing = value.get("trustedRoot"), value.get("signingConfig")
    if not isinstance(trusted, dict) or not isinstance(signing, dict):
        raise Misuse(f"{begun(told)} lacks its trusted root or its signing configuration.", hint=_WHAT)
    return _instance(json.dumps(trusted).encode(), signing, told, now)


def fetch_public(http: Http, *, now: float, url: str = PUBLIC_URL, first: bytes | None = None) -> Instance:
    """The public-good instance as it is now, over TUF. Nothing is kept on this machine.

    ``url`` and ``first``: of a copy of its repository, and the TUF root metadata that are believed already.

    Raises:
        Unreachable: its repository cannot be asked.
        Declined: what it says does not hold.
        Misuse: it names nothing to sign with.
        ModuleNotFoundError: the extra ``attest`` is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="trustpub-tuf-") as memory:
        found = targets(http, url, first or first_of_tuf(), Path(memory), (TARGET, SIGNING_CONFIG))
    return _instance(found[TARGET], _json(found[SIGNING_CONFIG]), "Sigstore's public instance", now)


def fetch(http: Http, url: str, *, now: float) -> Instance:
    """The instance whose trust configuration an index has at ``url``.

    Raises:
        Unreachable: it cannot be had.
        Misuse: it is none, or names nothing to sign with.
    """
    answer = http.request("GET", url, headers={"Accept": "application/json"}, max_bytes=MAX_BYTES, attempts=3)
    where = printable(url, 200)
    if answer.status != 200:
        raise Unreachable(f"The index's trust configuration for signing is not at {where}: it answers {answer.status}.")
    return read_instance(answer.body, f"the trust configuration at {where}", now=now)


def begun(told: str) -> str:
    """``told`` at the beginning of a sentence."""
    return told[:1].upper() + told[1:]


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(content) if len(content) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _instance(trusted: bytes, signing: Mapping[str, Any], told: str, now: float) -> Instance:
    if signing.get("mediaType") != _SIGNING:
        raise Misuse(f"{begun(told)} has a signing configuration of another version than 0.2.", hint=_WHAT)
    return Instance(
        told=told,
        fulcio=_service(signing, told, "caUrls", "certificate authority", now),
        rekor=_service(signing, told, "rekorTlogUrls", "transparency log of Rekor version 1", now),
        trusted_root=trusted,
        public=bool(_logs(trusted) & public_good().logs),
    )  # fmt: skip


def _service(signing: Mapping[str, Any], told: str, name: str, what: str, now: float) -> str:
    """The first service of version 1 that is there now."""
    found = signing.get(name)
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict) and one.get("majorApiVersion") == 1 and _in_service(one.get("validFor"), now):
            url = one.get("url")
            if isinstance(url, str):
                try:
                    split(url)  # https, or this machine
                except Misuse as error:
                    raise Misuse(f"The {what} that {told} names: {error.message}") from None
                return url.rstrip("/")
    why = " Entries of version 2 have no place in an attestation." if name == "rekorTlogUrls" else ""
    raise Misuse(f"{begun(told)} names no {what} that is in service now.{why}")


def _in_service(period: object, now: float) -> bool:
    if not isinstance(period, dict):
        return False
    start, end = _unix(period.get("start")), _unix(period.get("end"))
    return start is not None and start <= now and (end is None or now <= end)


def _unix(text: object) -> float | None:
    """RFC 3339, as protobuf writes it in JSON."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def _logs(trusted: bytes) -> frozenset[str]:
    try:
        return frozenset(str(one["logId"]["keyId"]) for one in _json(trusted)["tlogs"])
    except (KeyError, TypeError):
        return frozenset()


def read_file(path: str, *, now: float) -> tuple[Instance, bytes]:
    """The instance that the trust configuration in a file describes, and the file.

    Raises:
        Misuse: as :func:`read_instance`, or the file cannot be read.
    """
    told = f"the trust configuration {printable(path)}"
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Misuse(f"{begun(told)} cannot be read: {error.strerror}.") from None
    return read_instance(content, told, now=now), content
