# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files of a project that a command is about to change: shown, asked about, and written."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.show import Screen, screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.workflow.generate.change import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a run of ``trustpub init`` is to behave."""

    yes: bool
    """Write without asking."""
    dry_run: bool
    """Write nothing."""
    update: bool
    """Take the answers of the run before, and the newest actions."""
    online: bool | None
    """Whether others are asked; None: as usual."""
    as_json: bool
    ask: bool
    """Whether a person may be asked for answers."""


class Writing:
    """Showing what is to change, asking, and changing it."""

    def __init__(self, how: How) -> None:
        self._how = how

    def write(self, root: Path, changes: Sequence[Change]) -> bool:
        """Whether everything that changes was written; nothing was, where somebody said no."""
        from trustpub.workflow.generate.change import write

        seen = screen()
        changing = [change for change in changes if change.difference]
        if not self._how.as_json:
            for change in changes:
                self._show(change, seen)
        if not changing or self._how.dry_run:
            return False
        if not self._how.yes and not self._agreed(changing):
            return False
        for change in changing:
            write(root, change)
            seen.step(f"{printable(str(change.path), 300)}: {change.kind}")
        return True

    def _show(self, change: Change, seen: Screen) -> None:
        path = printable(str(change.path), 300)
        if not change.difference:
            seen.step(f"{path}: nothing changes")
            return
        seen.result("\n".join(_shown(line) for line in change.difference.splitlines()) + "\n")

    def _agreed(self, changing: Sequence[Change]) -> bool:
        files = ", ".join(printable(str(change.path), 300) for change in changing)
        if not sys.stdin.isatty():
            raise Misuse(
                f"Nothing was written, since nobody can be asked whether {files} may be.",
                hint="Give --yes to write, or --dry-run to see it only.",
            )
        if click.confirm(f"Write {files}", default=True, err=True):
            return True
        screen().step("Nothing was written.")
        return False


def encoded(document: Mapping[str, Any]) -> str:
    """``document`` for a program; no text in it can become a command to a CI's runner."""
    return json.dumps(document, indent=2).replace("##[", r"#\u0023[")


def _shown(line: str) -> str:
    """A line of a file for a terminal: its blanks stay, and nothing in it commands anything."""
    parts = re.split(r"([ \t]+)", line)
    return "".join(part if not part.strip() else printable(part, 2000) for part in parts)
