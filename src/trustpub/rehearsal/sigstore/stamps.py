# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A timestamp authority (RFC 3161): CMS signed data around a time (RFC 5652), with signingCertificateV2 (RFC 5816)."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustpub.rehearsal.sigstore import der
from trustpub.rehearsal.sigstore.authority import AGE, issue, signing_usage
from trustpub.rehearsal.sigstore.der import BadDer

QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"

_POLICY = "1.3.6.1.4.1.57264.2"
_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TIME_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _DIGEST, _SIGNING_TIME = (f"1.2.840.113549.1.9.{number}" for number in (3, 4, 5))
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
_IMPLICIT_0, _EXPLICIT_4 = 0xA0, 0xA4
_GRANTED = 0


class Stamps:
    """One timestamp authority. May be shared by threads."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        """``name`` tells it from others; ``clock``: Unix time."""
        self._clock = clock
        root_key = ec.generate_private_key(ec.SECP384R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        root = issue(f"{name} stamps root", root_key, now=self._now())
        self._certificate = self._own(name, root, root_key)
        self.chain: Sequence[x509.Certificate] = (self._certificate, root)
        """What a client must believe, the root last."""
        self._serial = itertools.count(1)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock()), UTC)

    def _own(self, name: str, root: x509.Certificate, root_key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        now = self._now()
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} stamps")]))
            .issuer_name(root.subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - AGE)
            .not_valid_after(now + 10 * AGE)
            .add_extension(signing_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(above, critical=False)
            .sign(root_key, hashes.SHA384())
        )

    def reply(self, query: bytes) -> bytes:
        """The answer to a timestamp query (section 2.4.1 to 2.4.2).

        Raises:
            BadDer: it is none.
        """
        asked = list(der.items(der.read(query).content))
        if len(asked) < 2 or asked[1].tag != der.SEQUENCE:
            raise BadDer("no timestamp query")
        imprint, others = asked[1].whole, asked[2:]
        nonce = next((one.whole for one in others if one.tag == der.INTEGER), b"")
        policy = next((one.whole for one in others if one.tag == der.OBJECT_ID), der.object_id(_POLICY))
        with_certificate = any(one.tag == der.BOOLEAN and one.content != b"\x00" for one in others)
        now = self._now()
        info = der.sequence(
            der.integer(1), policy, imprint, der.integer(next(self._serial)),
            der.tagged(der.GENERALIZED_TIME, now.strftime("%Y%m%d%H%M%SZ").encode()),
            der.sequence(der.integer(1)),  # accurate to a second
            nonce,
        )  # fmt: skip
        signed = self._signed(info, now, with_certificate=with_certificate)
        content = der.sequence(der.object_id(_SIGNED_DATA), der.tagged(_IMPLICIT_0, signed))
        return der.sequence(der.sequence(der.integer(_GRANTED)), content)

    def _signed(self, info: bytes, now: datetime, *, with_certificate: bool) -> bytes:
        """SignedData (RFC 5652 section 5.1)."""
        encoded = self._certificate.public_bytes(Encoding.DER)
        # Of the certificate's body: serial number, signature algorithm, issuer, and so on, behind its version.
        body = next(der.items(der.read(encoded).content)).content
        serial, _, issuer, *_ = (one.whole for one in der.items(body) if one.tag != _IMPLICIT_0)
        sha256 = der.sequence(der.object_id(_SHA256))
        named = der.sequence(der.sequence(der.tagged(_EXPLICIT_4, issuer)), serial)
        certificate = der.sequence(
            der.sequence(der.sequence(der.tagged(der.OCTET_STRING, hashlib.sha256(encoded).digest()), named))
        )
        attributes = b"".join(
            sorted(
                (
                    _attribute(_CONTENT_TYPE, der.object_id(_TIME_INFO)),
                    _attribute(_DIGEST, der.tagged(der.OCTET_STRING, hashlib.sha256(info).digest())),
                    _attribute(_SIGNING_TIME, der.tagged(der.UTC_TIME, now.strftime("%y%m%d%H%M%SZ").encode())),
                    _attribute(_SIGNING_CERTIFICATE, certificate),
                )
            )
        )
        # Signed as the SET that it is, and stored under a tag of its own (section 5.4).
        signature = self._key.sign(der.tagged(der.SET, attributes), ec.ECDSA(hashes.SHA256()))
        signer = der.sequence(
            der.integer(1), der.sequence(issuer, serial), sha256, der.tagged(_IMPLICIT_0, attributes),
            der.sequence(der.object_id(_ECDSA_SHA256)), der.tagged(der.OCTET_STRING, signature),
        )  # fmt: skip
        enclosed = der.sequence(der.object_id(_TIME_INFO), der.tagged(_IMPLICIT_0, der.tagged(der.OCTET_STRING, info)))
        certificates = der.tagged(_IMPLICIT_0, encoded) if with_certificate else b""
        return der.sequence(
            der.integer(3), der.tagged(der.SET, sha256), enclosed, certificates, der.tagged(der.SET, signer)
        )


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.object_id(oid), der.tagged(der.SET, value))
