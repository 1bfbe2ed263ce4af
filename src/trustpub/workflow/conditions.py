# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an ``if:`` of GitHub Actions comes to, as far as that is known before a run: true, false or unknown.

The expressions are those of GitHub's documentation ("Evaluate expressions in workflows and actions"): its operators,
its loose comparison, its functions. What a run alone knows (a secret, an output, a person's choice) is
:data:`UNKNOWN`; of a text whose beginning is known, such as the reference of any tag ``v*``, that is used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MAX_LENGTH = 21_000
"""GitHub takes no longer expression."""
MAX_DEPTH = 50
"""Parentheses, calls and negations in one another (also GitHub's limit)."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0x[0-9a-fA-F]+|[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!().,\[\]*])
    )""",
    re.VERBOSE,
)
_WHOLE = re.compile(r"\s*\$\{\{(?P<inner>.*?)\}\}\s*\Z", re.DOTALL)
_STATUS = re.compile(r"\b(?:success|failure|always|cancelled)\s*\(", re.IGNORECASE)
_PLACE = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})\}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a run knows; ``truth`` where at least that is certain."""

    truth: bool | None = None


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Begins:
    """A text of which only the beginning is known."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Home:
    """The repository that a workflow is at home in, or its owner, where nobody said which: equal to any name."""


Lookup = Callable[[tuple[str, ...]], Any]
"""The value of a context such as ``("github", "ref")``, in small letters; :data:`UNKNOWN` where it is not known."""
Status = Callable[[str], Any]
"""What ``success``, ``failure``, ``always`` and ``cancelled`` give."""


class BadExpression(ValueError):
    """What GitHub would not take for an expression; says what is wrong."""


def holds(condition: Any, lookup: Lookup, status: Status) -> bool | None:
    """Whether an ``if:`` lets a job or step run; None where only a run knows.

    A condition that says nothing of :func:`asks_status` is as if `success() &&` stood before it. What is no
    expression is unknown.
    """
    if condition is None:
        return truth(status("success"))
    text = _text_of(condition) if not isinstance(condition, str) else condition
    try:
        value = evaluated(text, lookup, status)
    except BadExpression:
        return None
    own = truth(value)
    if asks_status(text):
        return own
    return _both(truth(status("success")), own)


def asks_status(condition: str) -> bool:
    """Whether a condition speaks of how other jobs or steps ended, so that success is not asked for."""
    return _STATUS.search(condition) is not None


def evaluated(condition: str, lookup: Lookup, status: Status) -> Any:
    """The value of an ``if:``, with or without ``${{ }}`` around it.

    Text beside ``${{ }}`` makes the whole a text, and so true: GitHub's rule, and a common mistake.

    Raises:
        BadExpression: it cannot be read.
    """
    match = _WHOLE.match(condition)
    if match is not None and "${{" not in match["inner"]:
        return expression(match["inner"], lookup, status)
    if "${{" in condition:
        return Unknown(True)
    return expression(condition, lookup, status)


def expression(text: str, lookup: Lookup, status: Status) -> Any:
    """The value of what stands between ``${{`` and ``}}``.

    Raises:
        BadExpression: it cannot be read.
    """
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"longer than {MAX_LENGTH} characters")
    return _Parser(_tokens(text), lookup, status).whole()


def contexts(text: str) -> frozenset[tuple[str, ...]]:
    """The contexts that the expression in ``text`` names, such as ``("github", "ref")``; none if it cannot be read."""
    seen: set[tuple[str, ...]] = set()

    def note(path: tuple[str, ...]) -> Any:
        seen.add(path)
        return UNKNOWN

    try:
        expression(text, note, lambda _: UNKNOWN)
    except BadExpression:
        return frozenset()
    return frozenset(seen)


def truth(value: Any) -> bool | None:
    """Whether ``value`` counts as true: nothing, zero and the empty text do not."""
    if isinstance(value, Unknown):
        return value.truth
    if isinstance(value, Begins):
        return True if value.prefix else None
    if isinstance(value, float) and math.isnan(value):
        return False
    if isinstance(value, Home | Mapping | list):
        return True
    return bool(value)


def _both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


@lru_cache(maxsize=1024)
def _tokens(text: str) -> tuple[tuple[str, str], ...]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadExpression(f"unexpected {text[at : at + 10].strip()!r}")
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        at = match.end()
    return tuple(found)


class _Parser:
    """One pass that computes as it reads. Both sides of `&&` and `||` are computed: nothing has an effect."""

    def __init__(self, tokens: tuple[tuple[str, str], ...], lookup: Lookup, status: Status) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._lookup = lookup
        self._status = status

    def whole(self) -> Any:
        value = self._or()
        if self._at < len(self._tokens):
            raise BadExpression(f"unexpected {self._tokens[self._at][1]!r}")
        return value

    def _next_is(self, *signs: str) -> str | None:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind == "sign" and text in signs:
                self._at += 1
                return text
        return None

    def _wanted(self, sign: str) -> None:
        if self._next_is(sign) is None:
            raise BadExpression(f"{sign!r} is missing")

    def _or(self) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadExpression("nested too deeply")
        value = self._and()
        while self._next_is("||"):
            value = _or(value, self._and())
        self._depth -= 1
        return value

    def _and(self) -> Any:
        value = self._comparison()
        while self._next_is("&&"):
            value = _and(value, self._comparison())
        return value

    def _comparison(self) -> Any:
        value = self._not()
        while sign := self._next_is("==", "!=", "<", "<=", ">", ">="):
            value = _compared(sign, value, self._not())
        return value

    def _not(self) -> Any:
        negations = 0
        while self._next_is("!"):
            negations += 1
        value = self._value()
        if not negations:
            return value
        known = truth(value)
        return UNKNOWN if known is None else known == (negations % 2 == 0)

    def _value(self) -> Any:
        if self._next_is("("):
            value = self._or()
            self._wanted(")")
            return value
        if self._at >= len(self._tokens):
            raise BadExpression("it ends too early")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return float(int(text, 16)) if text[:2] == "0x" else float(text)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "name":
            return self._named(text.lower())
        raise BadExpression(f"unexpected {text!r}")

    def _named(self, name: str) -> Any:
        if name in ("true", "false", "null"):
            return {"true": True, "false": False}.get(name)
        if self._next_is("("):
            called = self._called(name)
            return self._inside(called) if self._follows() else called
        path: list[str] = [name]
        while sign := self._next_is(".", "["):
            path.append(self._property() if sign == "." else self._subscript())
        if "" in path:  # a subscript that is not known
            self._lookup(tuple(path[: path.index("")]))
            return UNKNOWN
        return self._lookup(tuple(path))

    def _follows(self) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] in (("sign", "."), ("sign", "["))

    def _inside(self, value: Any) -> Any:
        while sign := self._next_is(".", "["):
            key = self._property() if sign == "." else self._subscript()
            value = value.get(key, None) if isinstance(value, Mapping) else UNKNOWN
        return value

    def _property(self) -> str:
        if self._next_is("*"):
            return ""
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind != "name":
            raise BadExpression("a name is missing after the point")
        self._at += 1
        return text.lower()

    def _subscript(self) -> str:
        if self._next_is("*"):
            self._wanted("]")
            return ""
        key = self._or()
        self._wanted("]")
        return key.lower() if isinstance(key, str) else ""

    def _called(self, name: str) -> Any:
        arguments: list[Any] = []
        if not self._next_is(")"):
            arguments.append(self._or())
            while self._next_is(","):
                arguments.append(self._or())
            self._wanted(")")
        if name in ("success", "failure", "always", "cancelled"):
            return self._status(name)
        if name not in _FUNCTIONS:
            if name in ("hashfiles", "tojson", "join"):
                return UNKNOWN
            raise BadExpression(f"no function is called {name}")
        least, most, function = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise BadExpression(f"{name} with {len(arguments)} values")
        return function(arguments)


def _or(one: Any, other: Any) -> Any:
    first, second = truth(one), truth(other)
    if first is not None:
        return one if first else other
    return Unknown(True) if second else UNKNOWN


def _and(one: Any, other: Any) -> Any:
    first, second = truth(one), truth(other)
    if first is not None:
        return other if first else one
    return Unknown(False) if second is False else UNKNOWN


def _compared(sign: str, one: Any, other: Any) -> Any:
    if sign in ("==", "!="):
        same = _same(one, other)
        return UNKNOWN if same is None else same == (sign == "==")
    if any(isinstance(value, Unknown | Begins | Home | Mapping | list) for value in (one, other)):
        return UNKNOWN
    if isinstance(one, str) and isinstance(other, str):
        order = (one.lower() > other.lower()) - (one.lower() < other.lower())
    else:
        left, right = _number(one), _number(other)
        if math.isnan(left) or math.isnan(right):
            return False
        order = (left > right) - (left < right)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]


def _same(one: Any, other: Any) -> bool | None:
    for left, right in ((one, other), (other, one)):
        if isinstance(left, Home) and isinstance(right, str | Home):
            return right != ""
        if isinstance(left, Begins) and isinstance(right, str | Begins):
            return _same_beginning(left.prefix.lower(), right)
    if any(isinstance(value, Unknown | Begins | Home | Mapping | list) for value in (one, other)):
        return _same_by_truth(one, other)
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return _number(one) == _number(other)


def _same_by_truth(one: Any, other: Any) -> bool | None:
    """`unknown == true` is decided where the unknown is known to be a truth of the other kind."""
    for left, right in ((one, other), (other, one)):
        if isinstance(left, Begins | Home) and right in (None, "") and not isinstance(right, bool):
            return False
    return None


def _same_beginning(prefix: str, other: str | Begins) -> bool | None:
    if isinstance(other, str):
        return None if other.lower().startswith(prefix) else False
    second = other.prefix.lower()
    return None if second.startswith(prefix) or prefix.startswith(second) else False


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        text = value.strip()
        return 0.0 if not text else float(int(text, 16)) if text[:2] == "0x" else float(text)
    except (ValueError, OverflowError):
        return math.nan


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _texts(arguments: Sequence[Any]) -> list[str | Begins | None]:
    """Each argument as a text; None where it is not known."""
    return [
        None if isinstance(one, Unknown | Home | Mapping | list) else one if isinstance(one, Begins) else _text_of(one)
        for one in arguments
    ]


def _contains(arguments: Sequence[Any]) -> Any:
    place, sought = arguments
    if isinstance(place, list):
        answers = [_same(one, sought) for one in place]
        return True if True in answers else UNKNOWN if None in answers else False
    left, right = _texts(arguments)
    if isinstance(left, Begins) and isinstance(right, str):
        return True if right.lower() in left.prefix.lower() else UNKNOWN
    if isinstance(left, str) and isinstance(right, str):
        return right.lower() in left.lower()
    return UNKNOWN


def _starts(arguments: Sequence[Any]) -> Any:
    left, right = _texts(arguments)
    if isinstance(left, Begins) and isinstance(right, str):
        known, wanted = left.prefix.lower(), right.lower()
        return True if known.startswith(wanted) else UNKNOWN if wanted.startswith(known) else False
    if isinstance(left, str) and isinstance(right, Begins):
        return UNKNOWN if left.lower().startswith(right.prefix.lower()) else False
    if isinstance(left, str) and isinstance(right, str):
        return left.lower().startswith(right.lower())
    return UNKNOWN


def _ends(arguments: Sequence[Any]) -> Any:
    left, right = _texts(arguments)
    if isinstance(left, str) and isinstance(right, str):
        return left.lower().endswith(right.lower())
    return True if right == "" else UNKNOWN


def _formatted(arguments: Sequence[Any]) -> Any:
    texts = _texts(arguments)
    pattern, values = texts[0], texts[1:]
    if not isinstance(pattern, str):
        return UNKNOWN
    written, at = "", 0
    for match in _PLACE.finditer(pattern):
        written += pattern[at : match.start()]
        at = match.end()
        if match[1] is None:
            written += match[0][0]
            continue
        value = values[int(match[1])] if int(match[1]) < len(values) else None
        if not isinstance(value, str):
            return Begins(written + value.prefix) if isinstance(value, Begins) else Begins(written)
        written += value
    return written + pattern[at:]


def _from_json(arguments: Sequence[Any]) -> Any:
    if not isinstance(arguments[0], str):
        return UNKNOWN
    try:
        return _as_context(json.loads(arguments[0]))
    except (ValueError, RecursionError):
        return UNKNOWN


def _as_context(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lower(): one for key, one in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


_FUNCTIONS: Mapping[str, tuple[int, int, Callable[[Sequence[Any]], Any]]] = {
    "contains": (2, 2, _contains),
    "startswith": (2, 2, _starts),
    "endswith": (2, 2, _ends),
    "format": (1, 64, _formatted),
    "fromjson": (1, 1, _from_json),
}
