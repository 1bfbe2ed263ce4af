# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who a signing certificate names: the extensions of Fulcio (oid-info.md), and its alternative name.

The certificate's signature is not judged here. :mod:`cryptography` is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trustpub.proofs.attestation import BadAttestation

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, SubjectAlternativeName

_FULCIO = "1.3.6.1.4.1.57264.1."
_NUMBERS: Mapping[str, str] = {
    "8": "issuer",
    "9": "build_signer_uri",
    "10": "build_signer_digest",
    "11": "runner_environment",
    "12": "source_repository_uri",
    "13": "source_repository_digest",
    "14": "source_repository_ref",
    "15": "source_repository_id",
    "16": "source_repository_owner_uri",
    "17": "source_repository_owner_id",
    "18": "build_config_uri",
    "19": "build_config_digest",
    "20": "build_trigger",
    "21": "run_invocation_uri",
    "22": "source_repository_visibility",
    "23": "deployment_environment",
    "24": "token_subject",
}
_NAMES = {_FULCIO + number: name for number, name in _NUMBERS.items()}
_ALTERNATIVE = "2.5.29.17"
_UTF8_STRING = 0x0C
_MAX_SHORT = 0x7F


def signer(certificate: Certificate) -> dict[str, str]:
    """What the certificate says of whoever signed, by Fulcio's names for it; ``email`` and ``san`` beside them.

    What is empty is left out, also where the CA wrote two quotes for nothing, as it does for some providers.

    Raises:
        BadAttestation: an extension cannot be read, or stands twice.
    """
    from cryptography import x509

    found: dict[str, str] = {}
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise BadAttestation("certificate", "Its certificate has an extension that cannot be read.") from None
    for extension in extensions:
        oid, value = extension.oid.dotted_string, extension.value
        if (name := _NAMES.get(oid)) is not None and isinstance(value, x509.UnrecognizedExtension):
            found[name] = _utf8_string(value.value)
        elif oid == _ALTERNATIVE and isinstance(value, x509.SubjectAlternativeName):
            found |= _alternative(value)
    return {name: value for name, value in found.items() if value and value != '""'}


def _alternative(value: SubjectAlternativeName) -> dict[str, str]:
    from cryptography import x509

    emails = value.get_values_for_type(x509.RFC822Name)
    uris = value.get_values_for_type(x509.UniformResourceIdentifier)
    if len(value) != 1 or len(emails) + len(uris) != 1:
        raise BadAttestation("certificate", "Its certificate does not name exactly one address or URI.")
    return {"san": (*emails, *uris)[0], **({"email": emails[0]} if emails else {})}


def _utf8_string(der: bytes) -> str:
    """The text in a DER UTF8String (X.690 sections 8.1.3 and 10.1)."""
    header, length = 2, der[1] if len(der) > 1 else -1
    if length > _MAX_SHORT:
        count = length & _MAX_SHORT
        header, length = 2 + count, int.from_bytes(der[2 : 2 + count], "big")
    content = der[header:]
    if der[:1] != bytes([_UTF8_STRING]) or len(content) != length:
        raise BadAttestation("certificate", "Its certificate has an extension that cannot be read.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BadAttestation("certificate", "Its certificate has an extension that cannot be read.") from None
