# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Templates: everything is escaped unless it was made safe here, and a name that is missing is an error."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from trustpub.index.web.site.static_files import static
from trustpub.printable import printable
from trustpub.trust.values import worded

_FOLDER = Path(__file__).parent / "templates"
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The environment of all templates.

    Filters: ``shown`` (text from outside on one line, no control characters; cut to 300), ``moment`` and ``day`` (Unix
    seconds as ``<time>``), ``size`` (bytes in words), ``segment`` (a part of a path in a URL), ``worded`` (a
    publisher's field without the quotes of JSON). Functions: ``static`` (where a stylesheet is).
    """
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"shown": shown, "moment": moment, "day": day, "size": size, "segment": segment}
    environment.filters["worded"] = worded
    environment.globals |= {"static": static}
    return environment


def shown(value: object, limit: int = 300) -> str:
    """Text from outside, on one line."""
    return printable(str(value), limit)


def moment(seconds: float) -> Markup:
    """To the minute, in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d %H:%M UTC")
    )


def day(seconds: float) -> Markup:
    """To the day, in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d"))


def size(count: float) -> str:
    """Bytes, in the unit in which they are less than 1024."""
    left, unit = float(count), 0
    while left >= 1024 and unit < len(_UNITS) - 1:
        left, unit = left / 1024, unit + 1
    return f"{count} {_UNITS[0]}" if unit == 0 else f"{left:.1f} {_UNITS[unit]}"


def segment(value: object) -> str:
    """For one segment of a path."""
    return quote(str(value), safe="")
