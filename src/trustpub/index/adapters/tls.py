# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for one index, for development: uv and others speak nothing but https."""

from __future__ import annotations

import ipaddress
import os
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustpub.errors import Misuse

ALWAYS = ("localhost", "127.0.0.1", "::1")
"""Names every certificate is for."""
CA_DAYS = 3650
LEAF_DAYS = 90
"""A server's certificate is made anew at a start in the last third of this."""

_Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DevTls:
    """Files in PEM form."""

    ca: Path
    """To be trusted by clients."""
    certificate: Path
    key: Path
    """Of the certificate; mode 0600, as the authority's beside it."""


def make(folder: Path, hosts: Sequence[str], now: float) -> DevTls:
    """An authority in ``folder``, made at first, and a certificate by it for ``hosts`` and :data:`ALWAYS`.

    Raises:
        Misuse: what is in the folder is damaged, or it cannot be written to.
    """
    names = list(dict.fromkeys([*ALWAYS, *(host.lower() for host in hosts if host)]))
    at = datetime.fromtimestamp(now, UTC)
    made = DevTls(ca=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server-key.pem")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not made.ca.exists():
            _make_ca(made.ca, folder / "ca-key.pem", at)
        if not _still_good(made, names, at):
            _make_leaf(made, folder / "ca-key.pem", names, at)
    except OSError as error:
        raise Misuse(f"The certificate cannot be made in {folder}: {error.strerror}.") from error
    except ValueError as error:
        raise Misuse(
            f"The certificates in {folder} are damaged.", hint="Remove that folder; a new authority is made then."
        ) from error
    return made


def make_bundle(ca: Path, bundle: Path) -> Path:
    """The system's authorities and this one in one file, for a job whose other connections must go on working."""
    system = ssl.get_default_verify_paths().cafile
    known = Path(system).read_bytes() if system and os.path.exists(system) else b""
    _write(bundle, known.rstrip() + b"\n" + ca.read_bytes(), 0o644)
    return bundle


def _make_ca(path: Path, key_path: Path, at: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # The random part tells two folders' authorities apart in a list of trusted ones.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"trustpub development CA {secrets.token_hex(4)}")])
    usage = _usage(key_cert_sign=True, crl_sign=True)
    certificate = (
        _builder(name, name, key, key, at, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(key_path, _pem(key), 0o600)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _make_leaf(made: DevTls, ca_key_path: Path, names: Sequence[str], at: datetime) -> None:
    authority = x509.load_pem_x509_certificate(made.ca.read_bytes())
    ca_key = serialization.load_pem_private_key(ca_key_path.read_bytes(), password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key of ours")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trustpub development server")])
    certificate = (
        _builder(subject, authority.subject, key, ca_key, at, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(made.key, _pem(key), 0o600)
    _write(made.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: _Key, signer: _Key, at: datetime, days: int
) -> x509.CertificateBuilder:
    """What both kinds have. Python 3.13 insists on both key identifiers (VERIFY_X509_STRICT, RFC 5280)."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of containers and hosts differ.
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _still_good(made: DevTls, names: Sequence[str], at: datetime) -> bool:
    if not made.certificate.exists() or not made.key.exists():
        return False
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    key = serialization.load_pem_private_key(made.key.read_bytes(), password=None)
    authority = x509.load_pem_x509_certificate(made.ca.read_bytes())
    subjects = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.issuer == authority.subject
        and key.public_key() == certificate.public_key()
        and certificate.not_valid_before_utc <= at
        and at + timedelta(days=LEAF_DAYS / 3) <= certificate.not_valid_after_utc
        and set(subjects) == {_general_name(name) for name in names}
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more than ``mode`` allows."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(part, path)
