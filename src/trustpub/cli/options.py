# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.ci.detection import Job

_Command = TypeVar("_Command", bound=Callable[..., Any])


def to_index(command: _Command) -> _Command:
    """``--index`` (parameter ``index``) and ``--ca`` (parameter ``ca``, None where not given)."""
    command = click.option(
        "--ca", metavar="FILE", help="PEM certificates to trust instead of the system's, for an index with its own CA."
    )(command)
    return click.option(
        "--index",
        metavar="URL|NAME",
        default="pypi",
        show_default=True,
        help="pypi, testpypi, or the base or upload URL of another index.",
    )(command)


def as_job(command: _Command) -> _Command:
    """``--identity-token`` (parameter ``identity_token``, None where not given), for :func:`job`."""
    return click.option(
        "--identity-token",
        metavar="FILE|-",
        help="Show the identity token in FILE, or on standard input, instead of asking this CI for one.",
    )(command)


def job(identity_token: str | None) -> Job:
    """The job whose identity token is given by file or by standard input, else the one we are in.

    Raises:
        Misuse: the file cannot be read, or holds something else.
        NoIdentity: none is given, and no CI is recognised.
    """
    from trustpub.ci import detection, given

    if identity_token is None:
        return detection.detect(os.environ)
    if identity_token == "-":  # noqa: S105 - the word for standard input
        return given.read(sys.stdin.buffer, "Standard input, where --identity-token looks,")
    told = f"The file {printable(identity_token)}, which --identity-token names,"
    try:
        with open(identity_token, "rb") as file:
            return given.read(file, told)
    except OSError as error:
        raise Misuse(f"{told} cannot be read: {error.strerror}.") from None
