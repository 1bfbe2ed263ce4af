# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A Sigstore of one's own, in memory: a certificate authority, a certificate log and a transparency log (Rekor v1).

It signs for shapes that no real sample has: self-managed issuers, environments, files made in a test. No network, no
service: the caller says what the identity token would have said.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustpub.proofs.attestation import PAYLOAD_TYPE, PUBLISH

NUMBERS = {
    "issuer": 8, "build_signer_uri": 9, "source_repository_uri": 12, "source_repository_digest": 13,
    "source_repository_ref": 14, "source_repository_id": 15, "source_repository_owner_id": 17, "build_config_uri": 18,
    "deployment_environment": 23, "token_subject": 24,
}  # fmt: skip
_FULCIO = "1.3.6.1.4.1.57264.1."
_SCTS = "1.3.6.1.4.1.11129.2.4.2"
_LOG = "rekor.local"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def tlv(tag: int, content: bytes) -> bytes:
    """DER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def compact(value: Any) -> bytes:
    """RFC 8785 for what stands here: ASCII names, no fractions."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


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
        self._root_key, self._ca_key, self._ct_key, self._log_key = (
            ec.generate_private_key(ec.SECP256R1()) for _ in "rcts"
        )
        self._root = self._authority("root", self._root_key, None)
        self._ca = self._authority("intermediate", self._ca_key, self._root)
        self.log_id = sha256(_spki(self._log_key))

    def _authority(
        self, name: str, key: ec.EllipticCurvePrivateKey, above: x509.Certificate | None
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self.url} {name}")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if above is None else above.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=400))
            .not_valid_after(self.now + timedelta(days=4000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1 if above is None else 0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        above_key = self._root_key.public_key()
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above_key), critical=False)
        return builder.sign(self._root_key, hashes.SHA256())

    def trusted_root(self) -> dict[str, Any]:
        """As ``trusted_root.json``."""
        start = {"start": (self.now - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")}

        def log(key: ec.EllipticCurvePrivateKey, path: str) -> dict[str, Any]:
            public = {"rawBytes": b64(_spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": start}
            return {
                "baseUrl": self.url + path, "hashAlgorithm": "SHA2_256", "publicKey": public,
                "logId": {"keyId": b64(sha256(_spki(key)))},
            }  # fmt: skip

        chain = [{"rawBytes": b64(one.public_bytes(Encoding.DER))} for one in (self._ca, self._root)]
        authority = {
            "subject": {"organization": "local", "commonName": "local"}, "uri": self.url,
            "certChain": {"certificates": chain}, "validFor": start,
        }  # fmt: skip
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self._log_key, "/rekor")],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self._ct_key, "/ct")],
            "timestampAuthorities": [],
        }

    def certificate(
        self, key: ec.EllipticCurvePrivateKey, said: Mapping[str, str], *, at: datetime | None = None
    ) -> x509.Certificate:
        """A signing certificate that says this, by the names of :data:`NUMBERS`, and ``email`` or ``san``."""
        start = at or self.now
        name: x509.GeneralName = (
            x509.RFC822Name(said["email"])
            if "email" in said
            else x509.UniformResourceIdentifier(said.get("san", said.get("build_config_uri", self.url)))
        )
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(minutes=10))
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(authority, critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        )
        for field, number in NUMBERS.items():
            if field in said:
                oid = x509.ObjectIdentifier(f"{_FULCIO}{number}")
                value = tlv(0x0C, said[field].encode())
                builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
        before = builder.sign(self._ca_key, hashes.SHA256())
        scts = x509.UnrecognizedExtension(x509.ObjectIdentifier(_SCTS), tlv(0x04, self._sct(before, start)))
        return builder.add_extension(scts, critical=False).sign(self._ca_key, hashes.SHA256())

    def _sct(self, certificate: x509.Certificate, at: datetime) -> bytes:
        """A list of one signed certificate timestamp (RFC 6962 sections 3.2 and 3.3)."""
        stamp = struct.pack(">Q", int(at.timestamp() * 1000))
        body = certificate.tbs_certificate_bytes
        entry = sha256(_spki(self._ca_key)) + len(body).to_bytes(3, "big") + body
        signed = b"\x00\x00" + stamp + b"\x00\x01" + entry + b"\x00\x00"
        signature = self._ct_key.sign(signed, ec.ECDSA(hashes.SHA256()))
        sct = b"\x00" + sha256(_spki(self._ct_key)) + stamp + b"\x00\x00" + b"\x04\x03"
        sct += struct.pack(">H", len(signature)) + signature
        return struct.pack(">H", len(sct) + 2) + struct.pack(">H", len(sct)) + sct

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
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(key, said)
        payload = compact(statement(filename, digest, **changes))
        signature = key.sign(_pae(payload), ec.ECDSA(hashes.SHA256()))
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [self._entry(certificate, payload, signature, self.now + late)],
            },
            "envelope": {"statement": b64(payload), "signature": b64(signature)},
        }

    def _entry(self, certificate: x509.Certificate, payload: bytes, signature: bytes, at: datetime) -> dict[str, Any]:
        """The one leaf of a log of one leaf."""
        envelope = compact(
            {"payload": b64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": b64(signature)}]}
        )
        body = compact({
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": sha256(envelope).hex()},
                "payloadHash": {"algorithm": "sha256", "value": sha256(payload).hex()},
                "signatures": [
                    {"signature": b64(signature), "verifier": b64(certificate.public_bytes(Encoding.PEM))}
                ],
            },
        })  # fmt: skip
        when = int(at.timestamp())
        promise = compact({"body": b64(body), "integratedTime": when, "logID": self.log_id.hex(), "logIndex": 0})
        root = sha256(b"\x00" + body)
        note = f"{_LOG} - 1\n1\n{b64(root)}\n".encode()
        signed = self.log_id[:4] + self._log_key.sign(note, ec.ECDSA(hashes.SHA256()))
        checkpoint = note.decode() + f"\n— {_LOG} {b64(signed)}\n"
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(when),
            "inclusionPromise": {
                "signedEntryTimestamp": b64(self._log_key.sign(promise, ec.ECDSA(hashes.SHA256())))
            },
            "inclusionProof": {
                "logIndex": "0", "rootHash": b64(root), "treeSize": "1", "hashes": [],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": b64(body),
        }  # fmt: skip


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pae(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
