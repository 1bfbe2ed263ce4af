# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index that ``trustpub admin`` is about: in a folder of this machine, or elsewhere, asked over HTTP.

Commands name an operation of the protocol's table and show what comes back. They do not know where the index is, so
that both ways do and say the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from trustpub.cli.admin.folder import open_index, read_text
from trustpub.errors import Misuse
from trustpub.secret import Secret

_Command = TypeVar("_Command", bound=Callable[..., Any])

TOKEN_VARIABLE = "TRUSTPUB_TOKEN"  # noqa: S105 - a variable's name


class Reach(Protocol):
    """A way to an index."""

    def ask(self, operation: str, /, **values: Any) -> Any:
        """What the operation of this name answers; values that are None are left out."""


class _Beside:
    """In its folder."""

    def __init__(self, data: Path, secret_file: Path | None) -> None:
        self._folder = open_index(data, secret_file)
        click.get_current_context().call_on_close(self._folder.close)
        self._desk = self._folder.desk()

    def ask(self, operation: str, /, **values: Any) -> Any:
        from trustpub.index.desk.table import SERVED
        from trustpub.protocol.management.table import OPERATIONS

        given = {name: value for name, value in values.items() if value is not None}
        wanted = OPERATIONS[operation]
        answer = SERVED[operation](self._desk, self._desk.beside(wanted, given))
        return list(answer) if wanted.lines else answer


class _Afar:
    """At a URL."""

    def __init__(self, url: str, token: Secret, ca: str | None) -> None:
        from trustpub.client.managing import Managed
        from trustpub.http import Http

        http = Http(env=os.environ, ca=ca)
        click.get_current_context().call_on_close(http.close)
        self._managed = Managed(http, url, token)

    def ask(self, operation: str, /, **values: Any) -> Any:
        from trustpub.protocol.management.table import OPERATIONS

        given = {name: value for name, value in values.items() if value is not None}
        return self._managed.ask(OPERATIONS[operation], given)


def on_index(command: _Command) -> _Command:
    """``--data`` or ``--url``, with ``--token`` and ``--ca`` (parameter ``index``, a :class:`Reach`)."""
    return _reaching(command, "--ca", secret=False)


def on_index_with_secret(command: _Command) -> _Command:
    """The same, and ``--secret-file``, for what needs the index's secret."""
    return _reaching(command, "--ca", secret=True)


def on_index_beside_ca(command: _Command) -> _Command:
    """The same, for a command whose ``--ca`` is another: ``--index-ca``."""
    return _reaching(command, "--index-ca", secret=False)


def listing(command: _Command) -> _Command:
    """:func:`on_index`, and ``--json`` (parameter ``as_json``)."""
    return click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")(on_index(command))


def _reaching(command: _Command, ca_option: str, *, secret: bool) -> _Command:
    @wraps(command)
    def asked(
        *arguments: Any,
        data: Path | None,
        index_url: str | None,
        token_file: Path | None,
        index_ca: str | None,
        secret_file: Path | None = None,
        **values: Any,
    ) -> Any:
        index = _reach(data, index_url, token_file, index_ca, secret_file)
        return command(*arguments, index=index, **values)

    options = [
        click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The index's folder."),
        click.option("--url", "index_url", metavar="URL", help="An index elsewhere, by its URL, instead of a folder."),
        click.option(
            "--token", "token_file", type=click.Path(path_type=Path), metavar="FILE",
            help=f"With --url: what holds a token of scope manage.  [default: the variable {TOKEN_VARIABLE}]",
        ),
        click.option(
            ca_option, "index_ca", metavar="FILE", help="With --url: PEM certificates to trust instead of the system's."
        ),
    ]  # fmt: skip
    if secret:
        options.append(
            click.option(
                "--secret-file", type=click.Path(path_type=Path), metavar="FILE", envvar="TRUSTPUB_SECRET_FILE",
                help="With --data: where the index's secret is.  [default: DIR/secret]",
            )
        )  # fmt: skip
    found: Any = asked
    for option in reversed(options):
        found = option(found)
    return found  # type: ignore[no-any-return]


def _reach(
    data: Path | None, url: str | None, token_file: Path | None, ca: str | None, secret_file: Path | None
) -> Reach:
    if (data is None) == (url is None):
        raise click.UsageError("Which index? Give either --data DIR, its folder, or --url URL.")
    if data is not None:
        if token_file is not None or ca is not None:
            raise click.UsageError("A token and certificates are for an index at a --url.")
        return _Beside(data, secret_file)
    return _Afar(url or "", _token(token_file), ca)


def _token(file: Path | None) -> Secret:
    text = os.environ.get(TOKEN_VARIABLE, "") if file is None else read_text(file)
    found = text.strip()
    if not found:
        raise Misuse(
            "An index at a URL is managed with a token of scope manage, and there is none.",
            hint=f"Put one into the variable {TOKEN_VARIABLE}, or name a file that holds it with --token FILE.",
        )
    if not found.isascii() or any(one.isspace() for one in found):
        raise Misuse("What should be a token is none: it has blanks in it, or what is not ASCII.")
    return Secret(found)
