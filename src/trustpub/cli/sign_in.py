# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Options of ``trustpub serve`` that say at which OpenID Connect provider people may sign in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from trustpub.cli.mailing import read_secret
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.settings import OpenId

F = TypeVar("F", bound=Callable[..., Any])

SECRET = "TRUSTPUB_SIGN_IN_CLIENT_SECRET"  # noqa: S105 - a variable's name


def sign_in(command: F) -> F:
    """Add the options to a command, which hands what they hold to :func:`open_id`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[F], F], ...] = (
    click.option(
        "--sign-in-issuer",
        metavar="URL",
        help="The OpenID Connect provider at which people may sign in, exactly as the `iss` of its ID tokens.",
    ),
    click.option("--sign-in-client-id", metavar="ID", help="What this index is called there."),
    click.option(
        "--sign-in-client-secret-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"Its secret there; a public client has none.  [default: that in the variable {SECRET}]",
    ),
    click.option("--sign-in-name", metavar="TEXT", help="What people call the provider.  [default: its host]"),
    click.option("--sign-in-ca", metavar="FILE", help="Certificates (PEM) to believe for it, instead of the system's."),
)


def open_id(options: dict[str, Any]) -> OpenId | None:
    """Take the options out of ``options``. None: people sign in here only.

    Raises:
        Misuse: they do not go together, or what they name is not there.
    """
    from trustpub.index.adapters.openid import check
    from trustpub.index.settings import OpenId

    issuer, client_id = options.pop("sign_in_issuer"), options.pop("sign_in_client_id")
    file, name, ca = (options.pop(f"sign_in_{word}") for word in ("client_secret_file", "name", "ca"))
    if issuer is None:
        if client_id or file or name or ca:
            raise Misuse("Without --sign-in-issuer people sign in here only.", hint="Name the provider with it.")
        return None
    if not client_id:
        raise Misuse(
            "The provider knows this index by a client id.",
            hint="Give it, as it was registered: --sign-in-client-id ID",
        )
    wanted = OpenId(
        issuer=issuer,
        client_id=client_id,
        secret=read_secret(file, SECRET, "--sign-in-client-secret-file"),
        name=printable(name or "", 100) or _host(issuer),
        ca=ca,
    )
    return check(wanted)


def _host(issuer: str) -> str:
    try:
        return urlsplit(issuer).hostname or ""
    except ValueError:
        return ""
