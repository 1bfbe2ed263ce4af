# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a person, a pipe or a log of a CI gets to see. Only a terminal sees anything move; no colour speaks alone."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Protocol, TextIO

from trustpub.errors import TrustpubError
from trustpub.secret import Secret

_MASKS = (
    ("GITHUB_ACTIONS", "true", "::add-mask::"),
    ("TF_BUILD", "True", "##vso[task.setsecret]"),
)
"""A variable that a runner sets, its value, and the command with which that runner keeps what follows out of its log:
GitHub's (Forgejo's too) and Azure's. The others know only secrets that were set before the job began."""


class Moving(Protocol):
    """Something that is drawn anew in one place."""

    def erase(self) -> str:
        """What takes it off the screen: empty where it is not there."""


class Screen:
    """Where a command says what it does; made once per run, got with :func:`screen`.

    A command whose standard output *is* its result (a token, JSON) sets :attr:`aside`; then steps go to standard error.
    A reader that goes away never stops a command: what it would have read is dropped. Threads may write.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.quiet = False
        """Say only what went wrong."""
        self.verbose = False
        """Say more than the steps."""
        self.aside = False
        self._colors = not env.get("NO_COLOR") and os.name != "nt"
        self._annotates = env.get("GITHUB_ACTIONS") == "true"
        self._mask = next((mask for name, value, mask in _MASKS if env.get(name) == value), None)
        self._plain = bool(env.get("CI")) or env.get("TERM") == "dumb"
        self._moving: Moving | None = None
        self._lock = threading.RLock()

    def result(self, text: str) -> None:
        """What the command was run for, on standard output; not silenced by ``--quiet``."""
        self._write(text, sys.stdout)

    def step(self, text: str, *, mark: str = "•") -> None:
        """One line about something done. ``text`` must be printable."""
        if not self.quiet:
            self._write(text, self._steps(), mark, _GREEN)

    def detail(self, text: str) -> None:
        """One line for those who asked for more."""
        if self.verbose:
            self._write(f"  {text}", self._steps())

    def warning(self, text: str) -> None:
        """Something that is not as it should be, and is no failure; on standard error, even if quiet."""
        self._write(text, sys.stderr, "warning:", _YELLOW)

    def error(self, message: str, hint: str | None = None) -> None:
        """A failure, and what to do about it, on standard error."""
        self._write(message, sys.stderr, "error:", _RED)
        if hint:
            self._write(hint, sys.stderr, "hint:", _CYAN)

    def failure(self, error: TrustpubError) -> None:
        """The same for an error of ours."""
        self.error(error.message, error.hint)

    def mask(self, secret: Secret) -> None:
        """Have the runner star out ``secret`` in its log, on either stream, from here on, where it can be told to.

        Elsewhere nothing is written. The line is a command to the runner and never shown by it.
        """
        if self._mask is not None:
            self._write(f"{self._mask}{secret.reveal()}", self._steps())

    def annotate(self, kind: str, text: str) -> None:
        """Have GitHub show ``text``, a sentence of ours without anything from outside, beside the job's name.

        ``kind``: ``error`` or ``notice``. Elsewhere nothing is written: everything was said before.
        """
        if self._annotates:
            told = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
            self._write(f"::{kind} title=trustpub::{told}", self._steps())

    @property
    def moves(self) -> bool:
        """Whether steps go to a terminal on which something may be drawn anew: no pipe, no CI, no dumb terminal."""
        stream = self._steps()
        windows = sys.platform == "win32" and not os.environ.get("WT_SESSION")
        return not (self.quiet or self._plain or windows) and stream.isatty()

    @property
    def columns(self) -> int:
        """Of the terminal that steps go to."""
        try:
            return os.get_terminal_size(self._steps().fileno()).columns
        except (OSError, ValueError):
            return 80

    def move(self, moving: Moving | None) -> None:
        """``moving`` is drawn from now on, and makes room for every line that is written; None: nothing is."""
        with self._lock:
            if self._moving is not None:
                self._raw(self._moving.erase())
            self._moving = moving

    def draw(self, text: str) -> None:
        """Put ``text`` in the place of what is moving."""
        with self._lock:
            if self._moving is not None:
                self._raw(self._moving.erase() + text)

    def _raw(self, text: str) -> None:
        stream = self._steps()
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            silence(stream)

    def _steps(self) -> TextIO:
        return sys.stderr if self.aside else sys.stdout

    def _write(self, text: str, stream: TextIO, mark: str = "", color: str = "") -> None:
        with self._lock:
            if self._moving is not None:
                self._raw(self._moving.erase())
            try:
                if mark and self._colors and stream.isatty():
                    mark = f"\x1b[{color}m{mark}\x1b[0m"
                stream.write(f"{mark} {text}\n" if mark else f"{text}\n")
                stream.flush()
            except BrokenPipeError:
                silence(stream)


_GREEN, _YELLOW, _RED, _CYAN = "32", "33;1", "31;1", "36;1"
"""What a terminal is told (ECMA-48, SGR)."""
_begun: list[Screen] = []


def begin(env: Mapping[str, str]) -> Screen:
    """The screen of the command that is about to run."""
    _begun[:] = [Screen(env)]
    return _begun[0]


def screen() -> Screen:
    """That of the command that is running."""
    return _begun[0] if _begun else begin(os.environ)


def silence(stream: TextIO) -> None:
    """Let whatever is still written to ``stream``, whose reader is gone, vanish."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
