# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a person, a pipe or a CI's log gets to see. Nothing moves, and no colour carries a meaning of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import click

from trustpub.errors import TrustpubError
from trustpub.secret import Secret


class Screen:
    """Where a command says what it does; made once per run, got with :func:`screen`.

    A command whose standard output *is* its result (a token, JSON) sets :attr:`aside`; then steps go to standard error.
    A reader that goes away never stops a command: what it would have read is dropped.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.quiet = False
        """Say only what went wrong."""
        self.verbose = False
        """Say more than the steps."""
        self.aside = False
        self._color = False if env.get("NO_COLOR") else None
        self._masks = env.get("GITHUB_ACTIONS") == "true"

    def result(self, text: str) -> None:
        """What the command was run for, on standard output; not silenced by ``--quiet``."""
        self._write(text, sys.stdout)

    def step(self, text: str, *, mark: str = "•") -> None:
        """One line about something done. ``text`` must be printable."""
        if not self.quiet:
            self._write(f"{click.style(mark, fg='green')} {text}", self._steps())

    def detail(self, text: str) -> None:
        """One line for those who asked for more."""
        if self.verbose:
            self._write(f"  {text}", self._steps())

    def warning(self, text: str) -> None:
        """Something that is not as it should be, and is no failure; on standard error, even if quiet."""
        self._write(f"{click.style('warning:', fg='yellow', bold=True)} {text}", sys.stderr)

    def error(self, message: str, hint: str | None = None) -> None:
        """A failure, and what to do about it, on standard error."""
        self._write(f"{click.style('error:', fg='red', bold=True)} {message}", sys.stderr)
        if hint:
            self._write(f"{click.style('hint:', fg='cyan', bold=True)} {hint}", sys.stderr)

    def failure(self, error: TrustpubError) -> None:
        """The same for an error of ours."""
        self.error(error.message, error.hint)

    def mask(self, secret: Secret) -> None:
        """Have GitHub's runner star out ``secret`` in its log, on either stream, from here on.

        Elsewhere nothing is written. The line is a command to the runner and never shown by it.
        """
        if self._masks:
            self._write(f"::add-mask::{secret.reveal()}", self._steps())

    def _steps(self) -> TextIO:
        return sys.stderr if self.aside else sys.stdout

    def _write(self, text: str, stream: TextIO) -> None:
        try:
            click.echo(text, file=stream, color=self._color)
            stream.flush()
        except BrokenPipeError:
            silence(stream)


def screen() -> Screen:
    """That of the command that is running."""
    root = click.get_current_context().find_root()
    if not isinstance(root.obj, Screen):
        root.obj = Screen(os.environ)
    return root.obj


def silence(stream: TextIO) -> None:
    """Let whatever is still written to ``stream``, whose reader is gone, vanish."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def offer(command: click.Command) -> click.Command:
    """Give ``command``, and what is below it, ``--quiet`` and ``--verbose``, which hold wherever they stand."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for short, long, what in (
        ("-q", "--quiet", "Say only what went wrong."),
        ("-v", "--verbose", "Say more than the steps."),
    ):
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
    root = context.find_root()
    if not isinstance(root.obj, Screen):
        root.obj = Screen(os.environ)
    if value and option.name in ("quiet", "verbose"):
        setattr(root.obj, option.name, True)
