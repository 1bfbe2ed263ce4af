# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A certificate authority as Fulcio is one: certificates that live ten minutes, each promised to a certificate log.

Root and intermediate are made with it and gone with it: it is for rehearsals and tests, and nobody else believes it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustpub.rehearsal.sigstore import der

LIFETIME = timedelta(minutes=10)
AGE = timedelta(days=400)
"""How long before now the certificates of the authority, and its logs, began."""

NUMBERS: Mapping[str, int] = {
    "github_trigger": 2, "github_sha": 3, "github_workflow": 4, "github_repository": 5, "github_ref": 6, "issuer": 8,
    "build_signer_uri": 9, "build_signer_digest": 10, "runner_environment": 11, "source_repository_uri": 12,
    "source_repository_digest": 13, "source_repository_ref": 14, "source_repository_id": 15,
    "source_repository_owner_uri": 16, "source_repository_owner_id": 17, "build_config_uri": 18,
    "build_config_digest": 19, "build_trigger": 20, "run_invocation_uri": 21, "source_repository_visibility": 22,
    "deployment_environment": 23, "token_subject": 24,
}  # fmt: skip
"""Extensions of Fulcio's, by the last number of their object identifiers."""
_FULCIO = "1.3.6.1.4.1.57264.1."
_FIRST_ISSUER = 1
_RAW_UP_TO = 7
"""The first generation of extensions holds plain bytes; the others a DER UTF8String."""
_SCTS = "1.3.6.1.4.1.11129.2.4.2"
_ECDSA_SHA256 = b"\x04\x03"
"""Hash and signature algorithm (RFC 5246 section 7.4.1.4.1)."""


def public_bytes(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> bytes:
    """The public key as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What logs are known by (RFC 6962 section 3.2): the SHA-256 of the public key."""
    return hashlib.sha256(public_bytes(key)).digest()


def issue(
    name: str, key: ec.EllipticCurvePrivateKey, *, now: datetime,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None, path_length: int | None = 0,
) -> x509.Certificate:  # fmt: skip
    """The certificate of an authority called ``name``; ``by`` itself unless there is one above."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "trustpub rehearsal"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuer, signing = (subject, key) if by is None else (by[0].subject, by[1])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - AGE)
        .not_valid_after(now + 10 * AGE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(above, critical=False)
        .sign(signing, hashes.SHA384())
    )


def signing_usage() -> x509.KeyUsage:
    """That a key signs, and nothing else."""
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


class Authority:
    """Root, intermediate and certificate log. May be shared by threads."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        """``name`` tells it from others; ``clock``: Unix time."""
        self._clock = clock
        root_key = ec.generate_private_key(ec.SECP384R1())
        self._key = ec.generate_private_key(ec.SECP384R1())
        self.log_key = ec.generate_private_key(ec.SECP256R1())
        """Of the certificate log."""
        root = issue(f"{name} root", root_key, now=self.now, path_length=1)
        self._certificate = issue(f"{name} intermediate", self._key, now=self.now, by=(root, root_key))
        self.chain: Sequence[x509.Certificate] = (self._certificate, root)
        """What a client must believe, the root last."""

    @property
    def now(self) -> datetime:
        """By its clock."""
        return datetime.fromtimestamp(int(self._clock()), UTC)

    def certificate(
        self, key: ec.EllipticCurvePublicKey, said: Mapping[str, str], *, at: datetime | None = None
    ) -> x509.Certificate:
        """A signing certificate for ``key`` that says this (:data:`NUMBERS`, and ``email`` or ``san``).

        ``at``: when it begins; now, unless given.
        """
        start = at or self.now
        builder = self._builder(key, said, start)
        for name, number in NUMBERS.items():
            if said.get(name):
                builder = builder.add_extension(_extension(number, str(said[name])), critical=False)
        if said.get("issuer"):
            builder = builder.add_extension(_extension(_FIRST_ISSUER, said["issuer"]), critical=False)
        # What the log promises is the certificate without its promise (RFC 6962 section 3.2), so it is signed twice.
        before = builder.sign(self._key, hashes.SHA384())
        scts = x509.UnrecognizedExtension(
            x509.ObjectIdentifier(_SCTS), der.tagged(der.OCTET_STRING, self._promise(before.tbs_certificate_bytes))
        )
        return builder.add_extension(scts, critical=False).sign(self._key, hashes.SHA384())

    def _builder(
        self, key: ec.EllipticCurvePublicKey, said: Mapping[str, str], start: datetime
    ) -> x509.CertificateBuilder:
        name: x509.GeneralName = (
            x509.RFC822Name(said["email"]) if "email" in said else x509.UniformResourceIdentifier(said["san"])
        )
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + LIFETIME)
            .add_extension(signing_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(above, critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        )

    def _promise(self, certificate: bytes) -> bytes:
        """A list of one signed certificate timestamp (RFC 6962 sections 3.2 and 3.3)."""
        stamp = struct.pack(">Q", int(self._clock() * 1000))
        entry = hashlib.sha256(public_bytes(self._key)).digest() + len(certificate).to_bytes(3, "big") + certificate
        # Version 1, a certificate's timestamp; an entry of the kind "precertificate", and no extensions.
        signature = self.log_key.sign(
            b"\x00\x00" + stamp + b"\x00\x01" + entry + b"\x00\x00", ec.ECDSA(hashes.SHA256())
        )
        sct = b"\x00" + key_id(self.log_key) + stamp + b"\x00\x00" + _ECDSA_SHA256 + _counted(signature)
        return _counted(_counted(sct))


def _extension(number: int, value: str) -> x509.UnrecognizedExtension:
    raw = value.encode()
    oid = x509.ObjectIdentifier(f"{_FULCIO}{number}")
    return x509.UnrecognizedExtension(oid, raw if number <= _RAW_UP_TO else der.tagged(der.UTF8_STRING, raw))


def _counted(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content
