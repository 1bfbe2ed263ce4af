# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Options of ``trustpub serve`` that say by which server the index sends its letters."""

from __future__ import annotations

import os
from collections.abc import Callable
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import click

from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.settings import Relay
    from trustpub.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])

PASSWORD = "TRUSTPUB_SMTP_PASSWORD"  # noqa: S105 - a variable's name
PORTS = {"smtp": 587, "smtps": 465}
_MAX_SECRET = 4096


def mailing(command: F) -> F:
    """Add the options to a command, which hands what they hold to :func:`relay`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[F], F], ...] = (
    click.option("--mail-from", metavar="ADDRESS", help="Who letters are from, such as 'Index <index@example.org>'."),
    click.option(
        "--smtp-url",
        metavar="URL",
        help="The server that takes letters: smtps://[USER@]HOST[:465], or smtp://[USER@]HOST[:587] with STARTTLS.  "
        "[default: none; the log says what would be sent]",
    ),
    click.option(
        "--smtp-password-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"The password for USER.  [default: that in the variable {PASSWORD}]",
    ),
    click.option("--smtp-ca", metavar="FILE", help="Certificates (PEM) to believe for HOST, instead of the system's."),
)


def relay(options: dict[str, Any]) -> Relay | None:
    """Take the options out of ``options``. None: letters are not sent.

    Raises:
        Misuse: they do not go together, or what they name is not there.
    """
    from trustpub.index.adapters.smtp import check
    from trustpub.index.settings import Relay

    sender, url = options.pop("mail_from"), options.pop("smtp_url")
    password_file, ca = options.pop("smtp_password_file"), options.pop("smtp_ca")
    if url is None:
        if sender or password_file or ca:
            raise Misuse("Without --smtp-url no letters are sent.", hint="Name the server: --smtp-url smtps://HOST")
        return None
    if sender is None:
        raise Misuse("Letters need a sender.", hint="Give one: --mail-from index@example.org")
    scheme, user, host, port = _read(url)
    name, address = parseaddr(sender)
    password = read_secret(password_file, PASSWORD, "--smtp-password-file")
    if bool(user) != (password is not None):
        raise Misuse(
            "The mail server's user and password go together.",
            hint=f"The user is in --smtp-url smtps://USER@HOST, the password in a file that --smtp-password-file names "
            f"or in the variable {PASSWORD}.",
        )
    wanted = Relay(
        host=host,
        port=port,
        tls=scheme == "smtps",
        sender=address or sender,
        sender_name=printable(name, 100),
        user=user,
        password=password,
        ca=ca,
    )
    return check(wanted)


def read_secret(path: Path | None, variable: str, option: str) -> Secret | None:
    """What is in the file, or else in the variable, without the line break at its end; None if there is neither.

    Raises:
        Misuse: the file is not there, others can read it, or there is nothing in it.
    """
    from trustpub.secret import Secret

    if path is None:
        text = os.environ.get(variable, "")
        return Secret(text) if text else None
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o077
            content = file.read(_MAX_SECRET + 1)
    except OSError as error:
        raise Misuse(f"{option} names {printable(str(path))}, which cannot be read: {error.strerror}.") from None
    if mode & 0o007:
        raise Misuse(f"Everybody on this machine can read {printable(str(path))}.", hint=f"Close it: chmod 600 {path}")
    text = content.decode("utf-8", "replace").rstrip("\r\n")
    if not text or len(content) > _MAX_SECRET or not text.isprintable():
        raise Misuse(f"{option} names {printable(str(path))}, in which there is not one line with a secret.")
    return Secret(text)


def _read(url: str) -> tuple[str, str, str, int]:
    """Scheme, user, host and port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.password is not None:
        # Whoever lists the processes of the machine reads it; nor is it shown again here.
        raise Misuse(
            "--smtp-url has a password in it, which others can see in the list of processes.",
            hint=f"Put it into a file and name that with --smtp-password-file, or into the variable {PASSWORD}.",
        )
    sound = host and url.isascii() and url.isprintable() and " " not in url
    if not sound or parts.scheme not in PORTS or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Misuse(
            f"--smtp-url {printable(url, 200)!r} is not a mail server such as smtps://user@mail.example.org.",
            hint="smtps:// is TLS from the first byte on, smtp:// STARTTLS.",
        )
    return parts.scheme, unquote(parts.username or ""), host, port or PORTS[parts.scheme]
