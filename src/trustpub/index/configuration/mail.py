# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[mail]``: by which server the index sends its letters."""

from __future__ import annotations

from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from trustpub.errors import Misuse
from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.secret_file import name_of, secret
from trustpub.index.settings import Relay
from trustpub.printable import printable

PORTS = {"smtp": 587, "smtps": 465}


def relay(configuration: Configuration) -> Relay | None:
    """None: letters are not sent, or something is wrong, which was noted."""
    from trustpub.index.adapters.smtp import check

    url, sender = configuration["mail.smtp_url"], configuration["mail.sender"]
    if url is None:
        # A variable may be there for other programs; nobody who sets nothing else means us.
        _without_server(configuration)
        return None
    if sender is None and "mail.sender" in configuration.unfit:
        return None
    if sender is None:
        wanted = f"Give one with {configuration.call('mail.sender')}, such as index@example.org."
        configuration.blame("mail.smtp_url", "is given, and letters need a sender", wanted)
        return None
    read = _read(configuration, url)
    password = secret(configuration, "mail.password")
    if read is None:
        return None
    scheme, user, host, port = read
    if {"mail.password", "mail.password_file"} & configuration.unfit:
        return None
    if bool(user) != (password is not None):
        configuration.blame(
            "mail.smtp_url",
            "does not go together with what else is given: the mail server's user and password come both, or neither",
            f"The user is in smtps://USER@HOST, the password in the file {name_of('mail.password')}.",
        )
        return None
    name, address = parseaddr(sender)
    ca = configuration["mail.ca"]
    wanted_relay = Relay(
        host=host,
        port=port,
        tls=scheme == "smtps",
        sender=address or sender,
        sender_name=printable(name, 100),
        user=user,
        password=password,
        ca=None if ca is None else str(ca),
    )
    try:
        return check(wanted_relay)
    except Misuse as wrong:
        configuration.blame("mail.smtp_url", f"cannot be used: {wrong.message.rstrip('.')}", wrong.hint or "")
        return None


def _without_server(configuration: Configuration) -> None:
    server = configuration.call("mail.smtp_url")
    others = ("mail.sender", "mail.password_file", "mail.ca")
    so = f"Without {server} no letters are sent"
    configuration.in_vain("mail.smtp_url", others, f"Name the server: {server} smtps://HOST", so=so)


def _read(configuration: Configuration, url: str) -> tuple[str, str, str, int] | None:
    """Scheme, user, host and port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.password is not None:
        configuration.blame(
            "mail.smtp_url",
            "has a password in it, which others can see: in the list of processes, or in a file",
            f"Its place is in the file {name_of('mail.password')}.",
        )
        return None
    sound = host and url.isascii() and url.isprintable() and " " not in url
    if not sound or parts.scheme not in PORTS or parts.path not in ("", "/") or parts.query or parts.fragment:
        configuration.blame(
            "mail.smtp_url",
            "is not a mail server such as smtps://user@mail.example.org",
            "smtps:// is TLS from the first byte on, smtp:// STARTTLS.",
        )
        return None
    return parts.scheme, unquote(parts.username or ""), host, port or PORTS[parts.scheme]
