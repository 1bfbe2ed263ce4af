# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index that ``trustpub admin`` is about: in a folder of this machine, or elsewhere, asked over HTTP.

Commands name an operation of the protocol's table and show what comes back. They do not know where the index is, so
that both ways do and say the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from trustpub.cli.admin.folder import open_index, read_text
from trustpub.cli.settings import configuration, from_settings, taken
from trustpub.errors import Misuse
from trustpub.secret import Secret

if TYPE_CHECKING:
    from trustpub.index.configuration.whole import Place

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PLACE = ("server.data",)
_WITH_SECRET = (*_PLACE, "server.secret_file")

TOKEN_VARIABLE = "TRUSTPUB_TOKEN"  # noqa: S105 - a variable's name


class Reach(Protocol):
    """A way to an index."""

    def ask(self, operation: str, /, **values: Any) -> Any:
        """What the operation of this name answers; values that are None are left out."""


class _Beside:
    """In its folder."""

    def __init__(self, place: Place) -> None:
        self._folder = open_index(place)
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
        index_url: str | None,
        token_file: Path | None,
        index_ca: str | None,
        **values: Any,
    ) -> Any:
        index = _reach(*taken(values), index_url, token_file, index_ca)
        return command(*arguments, index=index, **values)

    options = [
        click.option("--url", "index_url", metavar="URL", help="An index elsewhere, by its URL, instead of a folder."),
        click.option(
            "--token", "token_file", type=click.Path(path_type=Path), metavar="FILE",
            help=f"With --url: what holds a token of scope manage.  [default: the variable {TOKEN_VARIABLE}]",
        ),
        click.option(
            ca_option, "index_ca", metavar="FILE", help="With --url: PEM certificates to trust instead of the system's."
        ),
    ]  # fmt: skip
    found: Any = asked
    for option in reversed(options):
        found = option(found)
    return from_settings(*_WITH_SECRET if secret else _PLACE)(found)  # type: ignore[no-any-return]


def _reach(
    file: Path | None, given: Mapping[str, Any], url: str | None, token_file: Path | None, ca: str | None
) -> Reach:
    from trustpub.index.configuration.whole import place

    if url is not None:
        # A configuration in the environment is that of the server on this machine, and another one is asked for.
        if file is not None or "server.data" in given:
            raise click.UsageError("Which index? Give either --data DIR, its folder, or --url URL.")
        return _Afar(url, _token(token_file), ca)
    if token_file is not None or ca is not None:
        raise click.UsageError("A token and certificates are for an index at a --url.")
    found = configuration(file, given)
    if found["server.data"] is None and found.file is None:
        raise click.UsageError("Which index? Give either --data DIR, its folder, or --url URL.")
    return _Beside(place(found))


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
