# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A reader of ActiveState's build scripts, as far as their documented examples go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<number>\d+)|(?P<name>[A-Za-z_]\w*)|(?P<mark>[=()\[\],]))')


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Another value of the script, by its name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function, and what it is given."""

    function: str
    arguments: Mapping[str, Any]


def read(text: str) -> dict[str, Any]:
    """The values of a script by name. Each name that is used must be given a value somewhere."""
    tokens = _tokens(text)
    values: dict[str, Any] = {}
    while tokens:
        name = _take(tokens, "name")
        assert name not in values, f"{name} has two values"
        _take(tokens, "mark", "=")
        values[name] = _value(tokens)
    for value in values.values():
        for used in _used(value):
            assert used in values, f"{used} has no value"
    assert "main" in values
    return values


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position, text = [], 0, text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        assert token is not None, f"unexpected: {text[position : position + 20]!r}"
        found.append((str(token.lastgroup), token[token.lastgroup or 0]))
        position = token.end()
    return found


def _take(tokens: list[tuple[str, str]], kind: str, text: str | None = None) -> str:
    found = tokens.pop(0)
    assert found[0] == kind, f"{found[1]!r} where a {kind} was expected"
    assert text in (None, found[1]), f"{found[1]!r} where {text!r} was expected"
    return found[1]


def _value(tokens: list[tuple[str, str]]) -> Any:
    kind, text = tokens.pop(0)
    if kind == "text":
        return text[1:-1]
    if kind == "number":
        return int(text)
    if (kind, text) == ("mark", "["):
        return [value for _, value in _until(tokens, "]", named=False)]
    assert kind == "name", f"{text!r} where a value was expected"
    if text == "null":
        return None
    if tokens and tokens[0] == ("mark", "("):
        tokens.pop(0)
        return Call(function=text, arguments=dict(_until(tokens, ")", named=True)))
    return Name(name=text)


def _until(tokens: list[tuple[str, str]], end: str, *, named: bool) -> Iterator[tuple[str, Any]]:
    while tokens[0] != ("mark", end):
        name = ""
        if named:
            name = _take(tokens, "name")
            _take(tokens, "mark", "=")
        yield name, _value(tokens)
        if tokens[0] != ("mark", end):
            _take(tokens, "mark", ",")
            assert tokens[0] != ("mark", end), "a comma too many"
    tokens.pop(0)


def _used(value: Any) -> Iterator[str]:
    if isinstance(value, Name):
        yield value.name
    elif isinstance(value, list):
        for one in value:
            yield from _used(one)
    elif isinstance(value, Call):
        for one in value.arguments.values():
            yield from _used(one)
