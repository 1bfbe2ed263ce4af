# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An attestation for whatever a certificate may say, made without an identity: for those that must be refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustpub.proofs.attestation import PAYLOAD_TYPE
from trustpub.proofs.sign import encoded, entry_of
from trustpub.rehearsal.sigstore.authority import Authority
from trustpub.rehearsal.sigstore.log import Log, compact


def attest(
    authority: Authority, log: Log, said: Mapping[str, str], statement: Mapping[str, Any], *,
    late: timedelta = timedelta(),
) -> dict[str, Any]:  # fmt: skip
    """An attestation (PEP 740) with this statement, by a new key whose certificate says this.

    ``late``: by how much it is logged after the certificate began.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.certificate(key.public_key(), said)
    payload = compact(statement)
    signature = sign(key, payload)
    envelope = {"payload": _base64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": _base64(signature)}]}
    content = {
        "envelope": compact(envelope).decode(),
        "verifiers": [_base64(certificate.public_bytes(Encoding.PEM))],
    }
    proposed = {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}}
    (entry,) = log.propose(proposed, at=(authority.now + late).timestamp()).values()
    return {
        "version": 1,
        "verification_material": {
            "certificate": _base64(certificate.public_bytes(Encoding.DER)),
            "transparency_entries": [json.loads(json.dumps(entry_of(entry)))],
        },
        "envelope": {"statement": _base64(payload), "signature": _base64(signature)},
    }


def sign(key: ec.EllipticCurvePrivateKey, payload: bytes) -> bytes:
    """The signature of a statement (DSSE v1)."""
    return key.sign(encoded(payload), ec.ECDSA(hashes.SHA256()))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
