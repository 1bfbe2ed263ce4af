# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who a signing certificate names: the extensions of Fulcio (oid-info.md), and its alternative name.

The certificate's signature is not judged here. :mod:`cryptography` is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from trustpub.proofs.attestation import BadAttestation

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, ObjectIdentifier, SubjectAlternativeName

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
    names = _names()
    for extension in extensions:
        name = names.get(extension.oid)
        if name is not None:
            found[name] = _utf8_string(extension.value.value)
        elif isinstance(extension.value, x509.SubjectAlternativeName):
            found |= _alternative(extension.value)
    return {name: value for name, value in found.items() if value and value != '""'}


@lru_cache(maxsize=1)
def _names() -> Mapping[ObjectIdentifier, str]:
    from cryptography.x509 import ObjectIdentifier

    return {ObjectIdentifier(_FULCIO + number): name for number, name in _NUMBERS.items()}


def _alternative(value: SubjectAlternativeName) -> dict[str, str]:
    from cryptography import x509

    (one,) = value if len(value) == 1 else (None,)
    if not isinstance(one, x509.RFC822Name | x509.UniformResourceIdentifier):
        raise BadAttestation("certificate", "Its certificate does not name exactly one address or URI.")
    return {"san": one.value, "email": one.value} if isinstance(one, x509.RFC822Name) else {"san": one.value}


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
