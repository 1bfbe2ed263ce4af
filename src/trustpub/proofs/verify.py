# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Is an attestation genuine, and is it theirs? Offline, with sigstore's public ``Verifier`` and roots given as files.

sigstore's libraries (extra ``attest``) are loaded with the first attestation: they take half a second and 30 MiB.
"""

from __future__ import annotations

import base64
import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from trustpub.printable import printable
from trustpub.proofs.attestation import PAYLOAD_TYPE, Attestation, BadAttestation
from trustpub.proofs.certificate import signer
from trustpub.proofs.expected import Expected
from trustpub.proofs.root import Root

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import Bundle
    from sigstore.verify import Verifier

EXTRA = 'pip install "trustpub[attest]"'
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def installed() -> bool:
    """Whether attestations can be verified here."""
    return importlib.util.find_spec("sigstore") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An attestation that holds."""

    attestation: Attestation
    root: Root
    """The one that vouches for it."""
    signer: Mapping[str, str]
    """What its certificate says (:func:`trustpub.proofs.certificate.signer`)."""
    expected: Expected
    """Whom that was compared with."""
    logged: int
    """When the log took it in, Unix time."""


class Checker:
    """Verifies attestations against the roots that hold now. May be shared by threads."""

    def __init__(self, roots: Callable[[], Sequence[Root]]) -> None:
        self._roots = roots
        self._lock = Lock()
        self._verifiers: dict[str, Verifier] = {}

    def check(self, attestation: Attestation, expected: Expected, filename: str, sha256: str) -> Verified:
        """That ``attestation`` is genuine, signed by whom it must be, and about this file.

        Raises:
            BadAttestation: it is not.
            ModuleNotFoundError: sigstore is not installed.
        """
        attestation.check_file(filename, sha256)
        root = self._root(attestation.log_id)
        verifier = self._verifier(root)
        policy = _Policy(expected)
        logged = _verify(verifier, attestation, policy)
        return Verified(attestation=attestation, root=root, signer=policy.said, expected=expected, logged=logged)

    def prepare(self) -> None:
        """Load the library and read the roots of now; without it the first attestation does.

        Raises:
            Misuse: a root cannot be read.
            ModuleNotFoundError: sigstore is not installed.
        """
        for root in self._roots():
            self._verifier(root)

    def _root(self, log_id: str) -> Root:
        """The one that knows the log of the entry, so that a refusal says what is wrong with *it*."""
        for root in self._roots():
            if log_id in root.logs:
                return root
        known = ", ".join(root.name for root in self._roots())
        raise BadAttestation(
            "unknown-log", f"Its log entry is in a transparency log that no trust root here knows (there are: {known})."
        )

    def _verifier(self, root: Root) -> Verifier:
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier

        with self._lock:
            found = self._verifiers.get(root.sha256)
            if found is None:
                found = Verifier(trusted_root=TrustedRoot.from_file(str(root.path)))
                if len(self._verifiers) >= 16:  # roots that were replaced long ago
                    self._verifiers.clear()
                self._verifiers[root.sha256] = found
            return found


class _Policy:
    """What sigstore asks about the certificate, once its chain holds."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self.said: Mapping[str, str] = {}

    def verify(self, cert: Certificate) -> None:
        self.said = signer(cert)
        self._expected.check(self.said)


def _verify(verifier: Verifier, attestation: Attestation, policy: _Policy) -> int:
    """When it was logged."""
    from sigstore.errors import Error

    try:
        bundle = _bundle(attestation)
        kind, payload = verifier.verify_dsse(bundle, policy)
        logged = int(attestation.entry["integratedTime"])
    except BadAttestation:
        raise
    except Error as error:
        raise BadAttestation("sigstore", f"It does not hold: {_told(error)}.") from None
    except Exception as error:  # noqa: BLE001 - what strangers made meets five libraries, and each raises its own
        raise BadAttestation("sigstore", f"It does not hold: it cannot be read ({type(error).__name__}).") from None
    # What was read is what was signed, byte for byte.
    if kind != PAYLOAD_TYPE or base64.b64decode(attestation.payload) != payload:
        raise BadAttestation("signature", "Its signature is for another statement.")
    return logged


def _bundle(attestation: Attestation) -> Bundle:
    """The same in Sigstore's own form, which has the signature and everything that stands around it."""
    from sigstore.models import Bundle

    envelope = {
        "payload": attestation.payload,
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": attestation.signature}],
    }
    material = {"certificate": {"rawBytes": attestation.certificate}, "tlogEntries": [attestation.entry]}
    return Bundle.from_json(
        _COMPACT.encode({"mediaType": _BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope})
    )


def _told(error: Exception) -> str:
    """The words of sigstore, in one short line: it quotes what it read."""
    return printable(str(error).partition("\n")[0], 300).rstrip(".") or type(error).__name__
