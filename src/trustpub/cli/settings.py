# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the server as options: ``--config``, and one for each setting that the table gives an option."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.index.configuration.kinds import FilePath, Flag, Networks
from trustpub.index.configuration.table import CONFIG_VARIABLE, TABLE, Setting

if TYPE_CHECKING:
    from trustpub.index.configuration.reading import Configuration

F = TypeVar("F", bound=Callable[..., Any])

_APART = "__"
"""Between section and key in the name of a parameter."""


def from_settings(*paths: str) -> Callable[[F], F]:
    """Add ``--config``, and the options of these settings, or of all, to a command that hands what it gets to
    :func:`taken`.
    """

    def add(command: F) -> F:
        for path in reversed(paths or tuple(TABLE)):
            if TABLE[path].option is not None:
                command = _option(TABLE[path])(command)
        return _CONFIG(command)

    return add


def taken(options: dict[str, Any]) -> tuple[Path | None, Mapping[str, Any]]:
    """Take out of ``options`` what :func:`from_settings` added: the file, and what was given, by setting."""
    given = {name: options.pop(name) for name in list(options) if _APART in name}
    values = {name.replace(_APART, "."): value for name, value in given.items() if value not in (None, ())}
    return options.pop("config"), values


def configuration(file: Path | None, given: Mapping[str, Any]) -> Configuration:
    """What holds.

    Raises:
        Misuse: the file cannot be read.
    """
    from trustpub.index.configuration.reading import read

    return read(file=file, env=os.environ, given=given)


_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Settings, as TOML.  [default: that in the variable {CONFIG_VARIABLE}]",
)


def _option(setting: Setting) -> Callable[[F], F]:
    name = setting.path.replace(".", _APART)
    option = setting.option or ""
    if isinstance(setting.kind, Flag):
        if "/" in option:
            return click.option(option, name, default=None, help=_help(setting))
        return click.option(option, name, flag_value=False, type=bool, default=None, help=_help(setting))
    many = isinstance(setting.kind, Networks)
    kind = click.Path(path_type=str) if isinstance(setting.kind, FilePath) else click.STRING
    return click.option(option, name, type=kind, metavar=setting.kind.metavar, multiple=many, help=_help(setting))


def _help(setting: Setting) -> str:
    """The sentence, and what holds without the option."""
    said = setting.said or setting.sentence
    if isinstance(setting.kind, Flag) and not setting.otherwise:
        return said
    default = setting.otherwise or ("" if setting.default is None else setting.kind.shown(setting.default).strip('"'))
    return f"{said}  [default: {default}]" if default else said
