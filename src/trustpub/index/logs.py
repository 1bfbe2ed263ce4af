# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index's log: lines for people or one JSON object each, with the id of the request, and without any token.

What is logged is chosen where it is logged, and none of it is a secret. But a path or an address may be whatever a
client sends, so every line is looked through here once more before it is written.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from trustpub.index.settings import Logs
from trustpub.printable import printable

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered; empty where none is."""

FACTS = "facts"
"""The attribute of a record that has, by name, what its sentence says in words."""

_MAX_MESSAGE = 4000
_TOKENS = (
    (re.compile(r"(?:pypi-)?AgE[A-Za-z0-9_-]{16,}"), "pypi-…"),  # every macaroon begins so
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.%-]*"), "eyJ…"),  # every signed JWT
    (re.compile(r"[A-Za-z0-9_=%-]{72,}"), "…"),  # any other that is long; digests are shorter, and names have dots
)
_QUIET = ("uvicorn", "uvicorn.error", "alembic", "asyncio")
"""Loggers of others, of which only warnings are of interest."""


def without_tokens(text: str) -> str:
    """``text``, with an ellipsis for whatever in it may be a token: of ours, of a CI, or another that is long."""
    for pattern, instead in _TOKENS:
        text = pattern.sub(instead, text)
    return text


class _Lines(logging.Formatter):
    """What both forms have in common."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Where it happened and what kind it is. Its own text may quote what was sent."""
        kind, _, trace = ei
        return "\n".join((*_frames(trace), kind.__name__ if kind else ""))

    def said(self, record: logging.LogRecord) -> str:
        """The sentence, on one line."""
        return without_tokens(printable(record.getMessage(), _MAX_MESSAGE))


class TextLines(_Lines):
    """``TIME LEVEL REQUEST LOGGER MESSAGE``"""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and below it where an exception came from."""
        line = f"{self.formatTime(record)} {record.levelname} {REQUEST.get() or '-'} {record.name} {self.said(record)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(_Lines):
    """One JSON object a line, in ASCII: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, ``request`` where
    there is one, and what else is known of a request, each by its name.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
        facts: Mapping[str, Any] = getattr(record, FACTS, {})
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.said(record),
        }
        if request := REQUEST.get():
            line["request"] = request
        line |= {name: without_tokens(value) if isinstance(value, str) else value for name, value in facts.items()}
        if record.exc_info:
            line["exception"] = record.exc_info[0].__name__ if record.exc_info[0] else ""
            line["at"] = _frames(record.exc_info[2])
        return json.dumps(line)


def set_up(logs: Logs, stream: TextIO, *, quiet: bool = False) -> None:
    """Write the log to ``stream`` from now on, and nowhere else. ``quiet``: warnings and worse only."""
    writing = logging.StreamHandler(stream)
    writing.setFormatter(JsonLines() if logs.format == "json" else TextLines())
    level = logging.getLevelNamesMapping()[logs.level.upper()]
    logging.basicConfig(handlers=[writing], level=max(level, logging.WARNING) if quiet else level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(trace)]
