# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub``: the commands, each loaded when it is called, and how every run ends.

Exit codes: 0 done, 1 refused or findings, 2 usage, 3 no identity, 4 index or network, 5 partly published;
70 a bug of ours, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

from trustpub import __version__
from trustpub.cli.declaring import Declared, Entry
from trustpub.cli.show import Screen, begin, silence
from trustpub.errors import TrustpubError

if TYPE_CHECKING:
    from types import FrameType

    from trustpub.cli.group import Commands

BUG = 70
INTERRUPTED = 130
TERMINATED = 143

COMMANDS: Mapping[str, Entry] = {
    "init": Entry(
        at="trustpub.cli.init:init", help="Write the release workflow, and say what to register.", extra="setup"
    ),
    "publish": Entry(at="trustpub.cli.publish:publish", help="Publish distributions from a CI job, without a secret."),
    "mint": Entry(at="trustpub.cli.mint:mint", help="Get an upload token for this CI job."),
    "whoami": Entry(at="trustpub.cli.whoami:whoami", help="Show who this CI job is to an index, and what to register."),
    "rehearse": Entry(
        at="trustpub.cli.rehearse:rehearse", help="Play a whole release offline, impostors included.", extra="rehearse"
    ),
    "verify": Entry(at="trustpub.cli.verify:verify", help="Prove where a distribution came from.", extra="attest"),
    "explain": Entry(at="trustpub.cli.explain:explain", help="Say what a pasted log or error means, and what to do."),
    "check": Entry(at="trustpub.cli.check:check", help="Judge distributions as an index will."),
    "doctor": Entry(
        at="trustpub.cli.doctor:doctor", help="Say what is wrong with a release before release day.", extra="setup"
    ),
    "version": Entry(at="trustpub.cli.version:version", help="Show the project's version, or put one where it stands."),
    "notes": Entry(at="trustpub.cli.notes:notes", help="Print what a changelog says of a version."),
    "serve": Entry(at="trustpub.cli.serve:serve", help="Run an index with Trusted Publishing.", extra="server"),
    "admin": Entry(at="trustpub.cli.admin.commands:admin", help="Manage an index from the shell.", extra="server"),
    "completion": Entry(at="trustpub.cli.completion:completion", help="Print the shell's completion script."),
}

IN_JOBS = frozenset({"publish", "mint", "whoami", "doctor"})
"""Commands that a release waits for: read without click where they are typed as everybody does."""

SELDOM = 100_000
"""How many new objects these let Python have before it looks for garbage, of which they make next to none; and at the
end it does not look through all modules once more. Together a tenth of the time that it takes to mint."""

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


def _group() -> Commands:
    from trustpub.cli.group import made

    return made(COMMANDS)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that ``arguments`` (by default those of this program) name, and end with its exit code."""
    # What a terminal cannot show must not end a release half-way.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # A cancelled CI job gets SIGINT, then SIGTERM: both must reach the blocks that give a token back.
    signal.signal(signal.SIGTERM, _terminated)
    words = list(sys.argv[1:] if arguments is None else arguments)
    awaited = bool(words) and words[0] in IN_JOBS
    if awaited:
        gc.set_threshold(SELDOM)
    code = _run(words)
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    if awaited:
        gc.freeze()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    screen = begin(os.environ)
    command = arguments[0] if arguments else ""
    try:
        code = _at_once(command, arguments[1:], screen)
        return _by_click(arguments, screen) if code is None else code
    except TrustpubError as error:
        screen.failure(error)
        return error.exit_code
    except KeyboardInterrupt:
        screen.error("Interrupted.")
        return INTERRUPTED
    except ModuleNotFoundError as error:
        return _missing(screen, error, command)
    except Exception as error:  # noqa: BLE001 - the last place where a traceback can be kept from a public log
        return _bug(screen, error)


def _at_once(command: str, arguments: Sequence[str], screen: Screen) -> int | None:
    """Run a command that a job waits for, if it is one and is typed as everybody does: its exit code."""
    if command not in IN_JOBS or "_TRUSTPUB_COMPLETE" in os.environ:
        return None
    module, _, attribute = COMMANDS[command].at.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    read = found.read(arguments) if isinstance(found, Declared) else None
    if read is None:
        return None
    screen.quiet, screen.verbose = "quiet" in read.said, "verbose" in read.said
    code = found.callback(**read.values)
    return code if isinstance(code, int) else 0


def _by_click(arguments: list[str], screen: Screen) -> int:
    import click

    group = _group()
    try:
        code = group.main(arguments, prog_name="trustpub", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except ModuleNotFoundError as error:
        return _missing(screen, error, group.called)
    return code if isinstance(code, int) else 0


def _missing(screen: Screen, error: ModuleNotFoundError, command: str | None) -> int:
    extra = _extra(error, command)
    if extra is None:
        return _bug(screen, error)
    screen.error("This command needs packages that are not installed.", f'pip install "trustpub[{extra}]"')
    return 2


def _extra(error: ModuleNotFoundError, command: str | None) -> str | None:
    """The extra that brings the module that is missing, preferring the one that the whole command needs."""
    extra = _EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None or command is None or command not in COMMANDS:
        return extra
    return COMMANDS[command].extra or extra


def _bug(screen: Screen, error: Exception) -> int:
    import traceback

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
