# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.ci.detection import Job
    from trustpub.client.indexes import Index

_Command = TypeVar("_Command", bound=Callable[..., Any])


def to_index(command: _Command) -> _Command:
    """``--index`` (parameter ``index``) and ``--ca`` (parameter ``ca``), for :func:`resolved`; None where not given."""
    command = click.option(
        "--ca", metavar="FILE", help="PEM certificates to trust instead of the system's, for an index with its own CA."
    )(command)
    return click.option(
        "--index",
        metavar="URL|NAME",
        help="pypi, testpypi, a name from pyproject.toml, or the base or upload URL of an index.  [default: the one "
        "that pyproject.toml declares, else pypi]",
    )(command)


def as_job(command: _Command) -> _Command:
    """``--identity-token`` (parameter ``identity_token``, None where not given), for :func:`job`."""
    return click.option(
        "--identity-token",
        metavar="FILE|-",
        help="Show the identity token in FILE, or on standard input, instead of asking this CI for one.",
    )(command)


def may_share(command: _Command) -> _Command:
    """``--accept-shared-audience`` (parameter ``shared_audience``), for :class:`trustpub.client.exchange.Exchange`."""
    return click.option(
        "--accept-shared-audience",
        "shared_audience",
        metavar="AUDIENCE",
        help="Show the index an identity token for AUDIENCE, where this CI gives no others. Others take it too.",
    )(command)


def resolved(index: str | None, ca: str | None) -> Index:
    """The index that is meant, with the certificates to believe for it: ``--ca`` goes before what is declared.

    Raises:
        Misuse: there is no such index, or what the project declares cannot be meant.
    """
    from trustpub import declared
    from trustpub.client import indexes

    found = indexes.resolve(index, declared.find(Path.cwd()))
    return found if ca is None else replace(found, ca=ca)


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
