# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The certificates that are believed: those that somebody named, else the system's.

``--ca`` goes before the environment; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``, which are believed together as OpenSSL
does, go before ``REQUESTS_CA_BUNDLE``. Whatever is named is believed *instead* of the system's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    import ssl

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_ENDINGS = (".pem", ".crt", ".cer")
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The certificates that are believed. With neither a file, a folder nor a text: the system's."""

    told: str
    """Where they come from, in words."""
    files: tuple[str, ...] = ()
    """PEM files."""
    folders: tuple[str, ...] = ()
    """Folders of PEM files, named by the hash of their subject as ``openssl rehash`` does it, or by anything."""
    text: str | None = None
    """The certificates themselves (PEM)."""


def given(text: str) -> Roots:
    """Certificates (PEM) that came with whom they are for, and not from a file."""
    return Roots(told="those given for this host", text=text)


def choose(ca: str | None, env: Mapping[str, str]) -> Roots:
    """The roots to believe: ``ca``, a file or folder, else what the environment names, else the system's.

    Raises:
        Misuse: what is named does not exist.
    """
    if ca:
        return _joined([_named("--ca", ca)])
    file, folders, bundle = (env.get(name) for name in VARIABLES)
    named = [_named("SSL_CERT_FILE", file)] if file else []
    if folders:
        # OpenSSL takes a list here, and passes over what is not there; only nothing at all is an error.
        there = [path for path in folders.split(os.pathsep) if os.path.isdir(path)]
        if there or not named:
            named += [_named("SSL_CERT_DIR", path) for path in there or [folders]]
    if not named and bundle:
        named = [_named("REQUESTS_CA_BUNDLE", bundle)]
    return _joined(named) if named else Roots(told="the system's")


def context(roots: Roots) -> ssl.SSLContext:
    """What a client needs for TLS 1.2 or newer with these roots, in HTTP/1.1.

    Raises:
        Misuse: there is no certificate where one should be.
    """
    import ssl

    try:
        files = [*roots.files, *(file for folder in roots.folders for file in _unhashed(folder))]
        hashed = [folder for folder in roots.folders if _is_hashed(folder)]
        if not (files or hashed or roots.text) and roots.folders:
            raise OSError("a folder without a certificate")
        # Without any argument it would load the system's as well.
        made = ssl.create_default_context(
            cafile=files[0] if files else None, capath=hashed[0] if hashed else None, cadata=roots.text
        )
        for file in files[1:]:
            made.load_verify_locations(cafile=file)
        for folder in hashed[1:]:
            made.load_verify_locations(capath=folder)
    except (OSError, ValueError):  # ssl.SSLError is the one, and a text with no certificate raises either
        raise Misuse(f"No certificates (PEM) can be read from {roots.told}.") from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    return made


def _named(source: str, path: str) -> tuple[str, str]:
    if not os.path.exists(path):
        raise Misuse(f"{source} names {printable(path)}, which does not exist.")
    return source, path


def _joined(named: list[tuple[str, str]]) -> Roots:
    return Roots(
        told=" and ".join(f"{printable(path)} (from {source})" for source, path in named),
        files=tuple(path for _, path in named if not os.path.isdir(path)),
        folders=tuple(path for _, path in named if os.path.isdir(path)),
    )


def _is_hashed(folder: str) -> bool:
    """Whether OpenSSL finds something in this folder by itself: names such as ``5ed36f99.0``."""
    with os.scandir(folder) as entries:
        return any(len(one.name) >= 10 and one.name[8] == "." and _HEX.issuperset(one.name[:8]) for one in entries)


def _unhashed(folder: str) -> list[str]:
    """The PEM files of a folder in which OpenSSL would find none."""
    if _is_hashed(folder):
        return []
    with os.scandir(folder) as entries:
        return sorted(one.path for one in entries if one.name.lower().endswith(_ENDINGS) and one.is_file())
