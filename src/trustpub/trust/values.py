# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Claims that nobody here knows beforehand: which of their values can be compared, and how they are named.

A value is compared as compact JSON, so by type and value: the string ``"1"`` is not the number ``1``, and ``true`` is
neither. Numbers are equal by value, as in JSON: ``1.0`` is ``1``. Fractions, numbers too large to be exact, null, empty
strings, arrays and objects identify nobody and equal nothing.

A claim is named by its own name, or by a JSON Pointer (RFC 6901) into objects. Arrays are not entered: a place in a
list proves nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_NAME = 255
"""Characters of a name or pointer."""
MAX_VALUE = 1024
"""Characters of a value as JSON."""
MAX_DEPTH = 4
"""Steps of a pointer."""
MAX_VALUES = 256
"""Values that one token can be looked up by. Every one of them is looked up, or none: see :func:`plain_values`."""

_EXACT = 1 << 53  # from here on a float may stand for several whole numbers
_LARGEST = 1 << 64
# Printable ASCII without a blank, so that a name is safe in a row and a message; "=" parts name and value.
_NAME = re.compile(rf"[!-<>-~]{{1,{MAX_NAME}}}\Z")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class BadName(ValueError):
    """No name of a claim. The message is a clause."""


class TooManyValues(ValueError):
    """A token says more than an index files."""


def plain(value: object) -> str | None:
    """``value`` as compact JSON in ASCII; None where it is nothing that can be compared."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST else None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_VALUE:
        return None
    text = json.dumps(value)
    return text if len(text) <= MAX_VALUE else None


def read(text: str) -> str | None:
    """JSON typed by a person, as :func:`plain` writes it; None where it is no value that can be compared.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return plain(json.loads(text[: 4 * MAX_VALUE]))
    except RecursionError:
        return None


def bare(text: str) -> str | None:
    """The string that ``text``, written by :func:`plain`, stands for; None if it stands for something else."""
    value = json.loads(text)
    return value if isinstance(value, str) else None


def unquoted(text: str) -> str:
    """``text``, written by :func:`plain`, for people: a string without its quotes."""
    value = bare(text)
    return text if value is None else value


def worded(value: str) -> str:
    """A field of a publisher of any kind, for people: what was written by :func:`plain` loses its quotes."""
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    try:
        return unquoted(value)
    except ValueError:
        return value


def steps(name: str) -> tuple[str, ...]:
    """The members to go through, outermost first, to the claim of this name.

    Raises:
        BadName: there can be no such claim.
    """
    if not _NAME.match(name):
        raise BadName(f"is not a name of 1 to {MAX_NAME} printable characters of ASCII, without blank and `=`")
    if not name.startswith("/"):
        return (name,)
    found = name[1:].split("/")
    if len(found) > MAX_DEPTH:
        raise BadName(f"goes deeper than {MAX_DEPTH} objects")
    if not all(found) or _BAD_ESCAPE.search(name):
        raise BadName("is not a JSON Pointer to a claim")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in found)


def find(claims: Mapping[str, Any], name: str) -> object:
    """The value of the claim of this name; None where there is none."""
    value: object = claims
    for step in steps(name):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def plain_values(claims: Mapping[str, Any]) -> dict[str, str]:
    """Every value in ``claims`` that can be compared, by its one name.

    Raises:
        TooManyValues: there are more than :data:`MAX_VALUES`. None is left out silently: then a publisher might
            not be found by the one value it is filed under.
    """
    found: dict[str, str] = {}
    level: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), claims)]
    for _ in range(MAX_DEPTH):
        below: list[tuple[tuple[str, ...], Mapping[str, Any]]] = []
        for path, members in level:
            for step, value in members.items():
                if isinstance(value, Mapping):
                    below.append(((*path, step), value))
                    continue
                name, text = _named((*path, step)), plain(value)
                if name is None or text is None:
                    continue
                found[name] = text
                if len(found) > MAX_VALUES:
                    raise TooManyValues
        level = below
    return found


def _named(path: tuple[str, ...]) -> str | None:
    """The one name of a claim: its own for one at the top, else a pointer; None if it can have none."""
    if not all(path):
        return None
    if len(path) == 1 and not path[0].startswith("/"):
        name = path[0]
    else:
        name = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
    return name if _NAME.match(name) else None
