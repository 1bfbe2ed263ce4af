# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[sign_in]``: at which OpenID Connect provider people may sign in."""

from __future__ import annotations

from urllib.parse import urlsplit

from trustpub.errors import Misuse
from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.secret_file import secret
from trustpub.index.settings import OpenId
from trustpub.printable import printable


def open_id(configuration: Configuration) -> OpenId | None:
    """None: people sign in here only, or something is wrong, which was noted."""
    from trustpub.index.adapters.openid import check

    issuer, client_id = configuration["sign_in.issuer"], configuration["sign_in.client_id"]
    named = configuration.call("sign_in.issuer")
    if issuer is None:
        others = ("sign_in.client_id", "sign_in.client_secret_file", "sign_in.name", "sign_in.ca")
        so = f"Without {named} people sign in here only"
        configuration.in_vain("sign_in.issuer", others, f"Name the provider: {named} URL", so=so)
        return None
    if client_id is None and "sign_in.client_id" in configuration.unfit:
        return None
    if client_id is None:
        configuration.blame(
            "sign_in.issuer",
            "is given, and the provider knows this index by a client id, which is not",
            f"Give it, as it was registered, with {configuration.call('sign_in.client_id')}.",
        )
        return None
    ca = configuration["sign_in.ca"]
    wanted = OpenId(
        issuer=issuer,
        client_id=client_id,
        secret=secret(configuration, "sign_in.client_secret"),
        name=printable(configuration["sign_in.name"] or "", 100) or _host(issuer),
        ca=None if ca is None else str(ca),
    )
    try:
        return check(wanted)
    except Misuse as wrong:
        configuration.blame("sign_in.issuer", f"cannot be used: {wrong.message.rstrip('.')}", wrong.hint or "")
        return None


def _host(issuer: str) -> str:
    try:
        return urlsplit(issuer).hostname or ""
    except ValueError:
        return ""
