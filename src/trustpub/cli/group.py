# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The commands as click has them: for help, for mistakes, for completion, and for all that no job waits for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from trustpub import __version__
from trustpub.cli.declaring import SAYING, Declared, Entry
from trustpub.cli.show import screen


class Commands(click.Group):
    """The group of the commands in a table; ``--help`` loads none of them."""

    def __init__(self, table: Mapping[str, Entry], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.called: str | None = None
        """The command that was loaded last."""
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All, in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in self._table:
            return None
        self.called = cmd_name
        if cmd_name not in self.commands:
            module, _, attribute = self._table[cmd_name].at.partition(":")
            found = getattr(importlib.import_module(module), attribute)
            self.commands[cmd_name] = offer(found.built() if isinstance(found, Declared) else found)
        return self.commands[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, as it stands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._table.items()])


def made(table: Mapping[str, Entry]) -> Commands:
    """``trustpub`` itself."""
    version = click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
    )
    group = Commands(
        table,
        name="trustpub",
        help="Trusted Publishing for every Python index.",
        params=[version],
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
    )
    offer(group)
    return group


def offer(command: click.Command) -> click.Command:
    """Give ``command``, and what is below it, ``--quiet`` and ``--verbose``, which hold wherever they stand."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for short, long, what in SAYING:
        if long not in taken:
            names = [long] if short in taken else [short, long]
            command.params.append(
                click.Option(names, is_flag=True, expose_value=False, is_eager=True, help=what, callback=_set)
            )
    if isinstance(command, click.Group):
        for below in command.commands.values():
            offer(below)
    return command


def _set(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value and option.name in ("quiet", "verbose"):
        setattr(screen(), option.name, True)


def _version(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        click.echo(f"trustpub {__version__}")
        ctx.exit()
