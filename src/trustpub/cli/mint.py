# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub mint``: an upload token for another tool."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click

from trustpub.cli.options import as_job, job, may_share, of_audience, resolved, to_index
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.protocol.exchange import SCOPES, UPLOAD, Minted
from trustpub.secret import Secret

OUTPUT = "api-token"
"""The name of the step's output."""


@click.command()
@to_index
@of_audience
@as_job
@may_share
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default=UPLOAD,
    show_default=True,
    help="What the token is for; read: to install from a private index that trustpub runs.",
)
@click.option("--print", "printed", is_flag=True, help="Print the token, and nothing else, to standard output.")
@click.option("--export", type=click.Choice(["github"]), help=f"Hand it on: as the step's output {OUTPUT}.")
def mint(
    index: str | None, ca: str | None, identity_token: str | None, shared_audience: str | None, scope: str,
    printed: bool, export: str | None,
) -> None:  # fmt: skip
    """Get an upload token for this CI job, or one to install with.

    With --print the token is all that goes to standard output: TWINE_PASSWORD=$(trustpub mint --print). On GitHub it
    is masked in the log first. It expires by itself; it is not given back, since somebody else is to use it.
    """
    from trustpub.client.exchange import Exchange
    from trustpub.http import Http

    seen = screen()
    seen.aside = True
    path = os.environ.get("GITHUB_OUTPUT")
    if printed == (export is not None):
        raise Misuse("Say what becomes of the token: either --print or --export.")
    if export and not path:
        raise Misuse("--export github needs GITHUB_OUTPUT, which GitHub sets in the steps of a job.")
    wanted = resolved(index, ca)
    shown = job(identity_token)
    with Http(env=os.environ, ca=wanted.ca) as http:
        exchange = Exchange(http, wanted, shown, _Listener(), scope=scope, shared_audience=shared_audience)
        minted = exchange.mint()
        try:
            seen.mask(minted.token)
            kind = "an upload" if scope == UPLOAD else "a read"
            seen.step(f"{wanted.origin} trusts it and gave {kind} token{_until(minted)}")
            _deliver(minted.token, path if export else None)
        except BaseException:
            # Nobody has it, so nobody else will give it back.
            exchange.burn(minted.token)
            raise


def _deliver(token: Secret, path: str | None) -> None:
    if path is None:
        screen().result(token.reveal())
        return
    _write_output(path, token)
    screen().step(f"The token is this step's output {OUTPUT}")


class _Listener:
    """A :class:`trustpub.client.exchange.Listener` that writes to the screen."""

    def mask(self, secret: Secret) -> None:
        screen().mask(secret)

    def step(self, text: str) -> None:
        screen().step(text)


def _until(minted: Minted) -> str:
    if minted.expires is None:
        return ""
    try:
        return f", valid until {datetime.fromtimestamp(minted.expires, UTC):%H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return ""


def _write_output(path: str, token: Secret) -> None:
    # One `name=value` line is safe because a minted token is known to be printable ASCII without a space or a break;
    # the leading line break keeps a last line that somebody left unfinished from swallowing it.
    try:
        with open(path, "a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                unfinished = file.read(1) != b"\n"
            else:
                unfinished = False
            file.write((b"\n" if unfinished else b"") + f"{OUTPUT}={token.reveal()}\n".encode())
    except OSError as error:
        raise Misuse(f"The file that GITHUB_OUTPUT names cannot be written: {error.strerror}.") from None
