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

from trustpub.cli.declaring import option
from trustpub.errors import Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.ci.detection import Job
    from trustpub.client.indexes import Index

_Command = TypeVar("_Command", bound=Callable[..., Any])


def to_index(command: _Command) -> _Command:
    """``--index`` (parameter ``index``) and ``--ca`` (parameter ``ca``), for :func:`resolved`; None where not given."""
    command = option(
        "--ca", metavar="FILE", help="PEM certificates to trust instead of the system's, for an index with its own CA."
    )(command)
    return option(
        "--index",
        metavar="URL|NAME",
        help="pypi, testpypi, a name from pyproject.toml, or the base or upload URL of an index.  [default: the one "
        "that pyproject.toml declares, else pypi]",
    )(command)


def as_job(command: _Command) -> _Command:
    """``--identity-token`` (parameter ``identity_token``, None where not given), for :func:`job`."""
    return option(
        "--identity-token",
        metavar="FILE|-",
        help="Show the identity token in FILE, or on standard input, instead of asking this CI for one.",
    )(command)


def may_share(command: _Command) -> _Command:
    """``--accept-shared-audience`` (parameter ``shared_audience``), for :class:`trustpub.client.exchange.Exchange`."""
    return option(
        "--accept-shared-audience",
        "shared_audience",
        metavar="AUDIENCE",
        help="Show the index an identity token for AUDIENCE, where this CI gives no others. Others take it too.",
    )(command)


def of_audience(command: _Command) -> _Command:
    """``--audience`` (parameter ``audience``), for :func:`resolved`; None where not given."""
    return option(
        "--audience",
        metavar="AUDIENCE",
        help="The only audience that the index may ask for, as pyproject.toml declares it for an index with a name.",
    )(command)


def resolved(index: str | None, ca: str | None, audience: str | None = None) -> Index:
    """The index that is meant, and what must hold of it.

    ``ca`` goes before the certificates that are declared for it; ``audience`` must be the audience declared.

    Raises:
        Misuse: there is no such index, or what the project declares cannot be meant.
    """
    from trustpub import declared
    from trustpub.client import indexes

    found = indexes.resolve(index, declared.find(Path.cwd()))
    if audience == "":
        raise Misuse("--audience is empty.", hint="Leave it away to let the index ask for its own.")
    if audience is not None and found.audience not in (None, audience):
        raise Misuse(
            f"--audience is {quoted(audience)}, and pyproject.toml declares {quoted(str(found.audience))} for "
            f"{found.name}.",
            hint="Leave --audience away, or change what is declared.",
        )
    return replace(found, ca=ca or found.ca, audience=audience or found.audience)


def job(identity_token: str | None) -> Job:
    """The job whose identity token is given by file or by standard input, else the one we are in.

    Raises:
        Misuse: the file cannot be read, or holds something else.
        NoIdentity: none is given, and no CI is recognised.
    """
    if identity_token is None:
        from trustpub.ci import detection

        return detection.detect(os.environ)
    from trustpub.ci import given

    if identity_token == "-":  # noqa: S105 - the word for standard input
        return given.read(sys.stdin.buffer, "Standard input, where --identity-token looks,")
    told = f"The file {printable(identity_token)}, which --identity-token names,"
    try:
        with open(identity_token, "rb") as file:
            return given.read(file, told)
    except OSError as error:
        raise Misuse(f"{told} cannot be read: {error.strerror}.") from None
