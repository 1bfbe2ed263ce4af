# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub``: the commands, each loaded when it is called, and how every run ends.

Exit codes: 0 done, 1 refused or findings, 2 usage, 3 no identity, 4 index or network, 5 partly published;
70 a bug of ours, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn, TextIO

import click

from trustpub import __version__
from trustpub.cli.show import Screen, offer, silence
from trustpub.errors import TrustpubError

BUG = 70
INTERRUPTED = 130
TERMINATED = 143


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command that is not loaded yet."""

    at: str
    """``module:attribute``."""
    help: str
    extra: str | None = None
    """What has to be installed for it."""


COMMANDS: Mapping[str, Entry] = {
    "publish": Entry(at="trustpub.cli.publish:publish", help="Publish distributions from a CI job, without a secret."),
    "mint": Entry(at="trustpub.cli.mint:mint", help="Get an upload token for this CI job."),
    "whoami": Entry(at="trustpub.cli.whoami:whoami", help="Show who this CI job is to an index, and what to register."),
    "rehearse": Entry(
        at="trustpub.cli.rehearse:rehearse", help="Play a whole release offline, impostors included.", extra="rehearse"
    ),
    "verify": Entry(at="trustpub.cli.verify:verify", help="Prove where a distribution came from.", extra="attest"),
    "serve": Entry(at="trustpub.cli.serve:serve", help="Run an index with Trusted Publishing.", extra="server"),
    "admin": Entry(at="trustpub.cli.admin.commands:admin", help="Manage an index from the shell.", extra="server"),
    "completion": Entry(at="trustpub.cli.completion:completion", help="Print the shell's completion script."),
}

_EXTRAS: Mapping[str, str] = {
    **dict.fromkeys(("yaml", "ruamel", "tomlkit"), "setup"),
    **dict.fromkeys(
        ("alembic", "cryptography", "joserfc", "multipart", "sqlalchemy", "starlette", "uvicorn"), "server"
    ),
    **dict.fromkeys(("sigstore", "pypi_attestations", "tuf"), "attest"),
    "build": "rehearse",
    "obstore": "s3",
    "psycopg": "postgres",
}


class Commands(click.Group):
    """The group of :data:`COMMANDS`; ``--help`` loads none of them."""

    called: str | None = None
    """The command that was loaded last."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in COMMANDS:
            return None
        self.called = cmd_name
        if cmd_name not in self.commands:
            module, _, attribute = COMMANDS[cmd_name].at.partition(":")
            self.commands[cmd_name] = offer(getattr(importlib.import_module(module), attribute))
        return self.commands[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, as it stands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


def _version(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        click.echo(f"trustpub {__version__}")
        ctx.exit()


def _group() -> Commands:
    version = click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
    )
    group = Commands(
        name="trustpub",
        help="Trusted Publishing for every Python index.",
        params=[version],
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
    )
    offer(group)
    return group


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that ``arguments`` (by default those of this program) name, and end with its exit code."""
    # What a terminal cannot show must not end a release half-way.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # A cancelled CI job gets SIGINT, then SIGTERM: both must reach the blocks that give a token back.
    signal.signal(signal.SIGTERM, _terminated)
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    group, screen = _group(), Screen(os.environ)
    try:
        code = group.main(arguments, prog_name="trustpub", standalone_mode=False, obj=screen)
    except TrustpubError as error:
        screen.failure(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        screen.error("Interrupted.")
        return INTERRUPTED
    except ModuleNotFoundError as error:
        extra = _extra(error, group.called)
        if extra is None:
            return _bug(screen, error)
        screen.error("This command needs packages that are not installed.", f'pip install "trustpub[{extra}]"')
        return 2
    except Exception as error:  # noqa: BLE001 - the last place where a traceback can be kept from a public log
        return _bug(screen, error)
    return code if isinstance(code, int) else 0


def _extra(error: ModuleNotFoundError, command: str | None) -> str | None:
    """The extra that brings the module that is missing, preferring the one that the whole command needs."""
    extra = _EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None or command is None:
        return extra
    return COMMANDS[command].extra or extra


def _bug(screen: Screen, error: Exception) -> int:
    # Not its message, which may hold anything, a token included.
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}trustpub{os.sep}" in frame.filename] or frames
    where = f"{os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else "an unknown place"
    told = f"This is a bug in trustpub {__version__}: {type(error).__name__} in {where}."
    if os.environ.get("TRUSTPUB_DEBUG") == "1":
        screen.warning("What follows may hold secrets. Read it before you show it to anybody.")
        traceback.print_exception(error)
        screen.error(told)
    else:
        screen.error(told, "TRUSTPUB_DEBUG=1 shows more, where nobody else reads along: it may hold secrets.")
    return BUG


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)


def _flush(stream: TextIO) -> None:
    try:
        stream.flush()
    except BrokenPipeError:
        silence(stream)
