# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

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
