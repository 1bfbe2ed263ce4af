# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What all of ``trustpub admin`` shares: the index's folder, files that are given, and how rows are shown."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.cli.settings import configuration, from_settings, taken
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.bootstrap.folder import Folder
    from trustpub.index.configuration.whole import Place

_Command = TypeVar("_Command", bound=Callable[..., Any])

MAX_FILE_BYTES = 1024 * 1024


def in_folder(command: _Command) -> _Command:
    """``--data``, or ``--config`` that says where it is, and ``--secret-file`` (parameter ``place``)."""

    @wraps(command)
    def placed(*arguments: Any, **options: Any) -> Any:
        from trustpub.index.configuration.whole import place

        file, given = taken(options)
        return command(*arguments, place=place(configuration(file, given)), **options)

    return from_settings("server.data", "server.secret_file")(placed)  # type: ignore[return-value]


def listing(command: _Command) -> _Command:
    """:func:`in_folder`, and ``--json`` (parameter ``as_json``)."""
    return click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")(in_folder(command))


def open_index(place: Place) -> Folder:
    """The index there.

    Raises:
        Misuse: there is none, or it is of another version.
    """
    from trustpub.index.bootstrap.opening import open_folder

    return open_folder(
        place.data,
        create=False,
        secret_file=place.secret_file,
        clock=time.time,
        env=os.environ,
        postgres=place.postgres,
        s3=place.s3,
    )


def show_rows(
    rows: Sequence[Mapping[str, Any]], as_json: bool, none: str, line: Callable[[Mapping[str, Any]], str]
) -> None:
    """Each on a line of its own, or all as one JSON array; ``none`` is said where there are no rows."""
    seen = screen()
    if as_json:
        seen.result(json.dumps(rows, indent=2))
    elif not rows:
        seen.step(none)
    for row in [] if as_json else rows:
        seen.result(line(row))


def read_text(path: Path) -> str:
    """What is in a file that somebody named.

    Raises:
        Misuse: it cannot be read, is too large or is not text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise Misuse(f"{printable(str(path))} is larger than {MAX_FILE_BYTES} bytes.")
        return content.decode()
    except OSError as error:
        raise Misuse(f"{printable(str(path))} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise Misuse(f"{printable(str(path))} is not text.") from None


def read_json(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file that somebody named.

    Raises:
        Misuse: it cannot be read, or holds something else.
    """
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Misuse(f"{printable(str(path))} is not a JSON object.")
    return value


def moment(seconds: float) -> str:
    """To the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(seconds: float) -> str:
    """To the day."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
