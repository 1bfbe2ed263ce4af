# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The expressions of GitHub's workflows and actions, evaluated as its runner does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<mark>&&|\|\||==|!=|<=|>=|[!<>()\[\].,*]))"
)
_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
STATUS = ("success", "always", "failure", "cancelled")
"""Functions of a step's condition; where none of them stands in it, ``success()`` is meant too."""


class BadExpression(Exception):
    """The runner would not start the job."""


@dataclass(kw_only=True)
class Scene:
    """What an expression sees."""

    contexts: Mapping[str, Any]
    status: str = "success"
    """``success``, ``failure`` or ``cancelled``: of the steps before."""
    called: set[str] = field(default_factory=set)
    """Functions that were called; for a condition."""


def evaluate(text: str, scene: Scene) -> Any:
    """The value of one expression, without its braces."""
    reader = _Reader(text, scene)
    value = reader.either()
    reader.expect("")
    return value


def fill(text: str, scene: Scene) -> str:
    """``text`` with every ``${{ … }}`` in it replaced."""
    return _EMBEDDED.sub(lambda found: shown(evaluate(found[1], scene)), text)


def holds(condition: str | bool | None, scene: Scene) -> bool:
    """Whether a step with this ``if:`` runs."""
    if condition is None or condition == "":
        return scene.status == "success"
    text = str(condition).strip()
    whole = _EMBEDDED.fullmatch(text)
    value = evaluate(whole[1] if whole else text, scene)
    return truthy(value) and (bool(scene.called & set(STATUS)) or scene.status == "success")


def shown(value: Any) -> str:
    """As it stands in a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else "Object"


def truthy(value: Any) -> bool:
    return not (value is None or value is False or value == "" or (isinstance(value, float) and value in (0.0,)))


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if type(left) is type(right):
        return bool(left == right)
    return _number(left) == _number(right)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "contains": lambda where, what: shown(what).casefold() in shown(where).casefold(),
    "startswith": lambda text, start: shown(text).casefold().startswith(shown(start).casefold()),
    "endswith": lambda text, end: shown(text).casefold().endswith(shown(end).casefold()),
    "format": lambda text, *values: re.sub(r"\{(\d+)\}", lambda found: shown(values[int(found[1])]), text),
    "tojson": json.dumps,
    "fromjson": json.loads,
}


class _Reader:
    """A reader by recursive descent; both sides of an operator are always evaluated, as nothing here has effects."""

    def __init__(self, text: str, scene: Scene) -> None:
        self._scene = scene
        self._tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise BadExpression(f"Unexpected symbol in {text!r}")
            self._tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
            position = found.end()
        self._tokens.append(("end", ""))

    def _next(self) -> tuple[str, str]:
        return self._tokens[0]

    def _take(self) -> tuple[str, str]:
        return self._tokens.pop(0)

    def expect(self, mark: str) -> None:
        kind, text = self._take()
        if text != mark or kind == "string":
            raise BadExpression(f"Unexpected {text!r}, where {mark!r} was expected")

    def either(self) -> Any:
        value = self._both()
        while self._next() == ("mark", "||"):
            self._take()
            other = self._both()
            value = value if truthy(value) else other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._next() == ("mark", "&&"):
            self._take()
            other = self._compared()
            value = other if truthy(value) else value
        return value

    def _compared(self) -> Any:
        value = self._denied()
        while self._next()[1] in ("==", "!=", "<", "<=", ">", ">=") and self._next()[0] == "mark":
            mark = self._take()[1]
            other = self._denied()
            if mark in ("==", "!="):
                value = _same(value, other) == (mark == "==")
            else:
                left, right = _number(value), _number(other)
                value = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[mark]
        return value

    def _denied(self) -> Any:
        if self._next() == ("mark", "!"):
            self._take()
            return not truthy(self._denied())
        return self._part()

    def _part(self) -> Any:
        kind, text = self._take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(int(text, 16)) if "0x" in text else float(text)
        if (kind, text) == ("mark", "("):
            value = self.either()
            self.expect(")")
            return value
        if kind != "name":
            raise BadExpression(f"Unexpected {text or 'end'!r}")
        if text.lower() in _WORDS and self._next()[1] not in (".", "[", "("):
            return _WORDS[text.lower()]
        if self._next() == ("mark", "("):
            return self._called(text.lower())
        if text not in self._scene.contexts:
            raise BadExpression(f"Unrecognized named-value: {text!r}")
        return self._below(self._scene.contexts[text])

    def _called(self, name: str) -> Any:
        self.expect("(")
        values = []
        while self._next() != ("mark", ")"):
            values.append(self.either())
            if self._next() == ("mark", ","):
                self._take()
        self.expect(")")
        self._scene.called.add(name)
        if name in STATUS:
            return name in ("always", self._scene.status)
        if name not in _FUNCTIONS:
            raise BadExpression(f"Unrecognized function: {name!r}")
        return _FUNCTIONS[name](*values)

    def _below(self, value: Any) -> Any:
        while self._next()[1] in (".", "[") and self._next()[0] == "mark":
            if self._take()[1] == ".":
                kind, key = self._take()
                if kind != "name":
                    raise BadExpression(f"Unexpected {key!r}")
            else:
                key = shown(self.either())
                self.expect("]")
            # What is not there is null, and so is what would be below it.
            value = value.get(key) if isinstance(value, Mapping) else None
        return value
