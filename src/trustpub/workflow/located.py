# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""YAML that still knows where everything in it stands.

A document is read into plain text, numbers, :class:`Mapping` and :class:`Sequence`, which are a dictionary and a list
that also say where their keys and items are, to the character. It is read as a CI reads it: `on` is a word, a key
stands once, and what is made to exhaust a reader (aliases of aliases, a thousand brackets) is refused while it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

MAX_DEPTH = 100
"""Lists and mappings in one another; no workflow needs a tenth of it."""
MAX_NODES = 100_000
"""Values of a document, those that aliases repeat counted each time."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster, and not everywhere
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_MOST_DIGITS = 300
_NUMERIC = frozenset("0123456789+-.")
_STANDARD = "tag:yaml.org,2002:"
_CONTAINERS = frozenset({f"{_STANDARD}map", f"{_STANDARD}seq", f"{_STANDARD}set"})


class BadYaml(Exception):
    """Text that is not YAML, or that no CI would take; ``line`` is where, counted from 1."""

    def __init__(self, problem: str, line: int | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


class Spot(NamedTuple):
    """Where something is written. Offsets are in characters of the text, the end exclusive."""

    start: int
    end: int
    line: int
    """Counted from 1, as is the column."""
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: in which file, from the top of the project, and where in it."""

    path: str
    spot: Spot


class Mapping(dict[str, Any]):
    """A mapping, in the order of its keys."""

    __slots__ = ("flow", "keys_at", "spot", "values_at")

    def __init__(self) -> None:
        super().__init__()
        self.keys_at: dict[str, Spot] = {}
        self.values_at: dict[str, Spot] = {}
        self.spot = Spot(0, 0, 1, 1)
        self.flow = False
        """Whether it is written in braces."""


class Sequence(list[Any]):
    """A list."""

    __slots__ = ("flow", "spot", "values_at")

    def __init__(self) -> None:
        super().__init__()
        self.values_at: list[Spot] = []
        self.spot = Spot(0, 0, 1, 1)
        self.flow = False


def key_spot(holder: Any, key: str) -> Spot | None:
    """Where the key stands in ``holder``, if that is a mapping that was read with places and has it."""
    return holder.keys_at.get(key) if isinstance(holder, Mapping) else None


def value_spot(holder: Any, key: str | int) -> Spot | None:
    """Where the value of a key, or an item, stands."""
    if isinstance(holder, Mapping) and isinstance(key, str):
        return holder.values_at.get(key)
    if isinstance(holder, Sequence) and isinstance(key, int) and key < len(holder.values_at):
        return holder.values_at[key]
    return None


def read(text: str, *, own_tags: frozenset[str] = frozenset()) -> list[Any]:
    """The documents in ``text``. A value under one of ``own_tags`` of the CI is read as nothing.

    Raises:
        BadYaml: it is not YAML, a key stands twice or is no text, a tag is unknown, or it nests or repeats beyond any
            use; says what and where.
    """
    reading = _Reading(own_tags)
    loader = None
    try:
        loader = _LOADER(text)
        while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
            reading.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        last = text.rstrip().count("\n") + 1  # where a document ends too early, that is no line of its own
        raise BadYaml(error.problem or "?", None if mark is None else min(mark.line + 1, last)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadYaml("a character that no YAML may have", _line_of(error, text)) from None
    finally:
        if loader is not None:
            loader.dispose()
    return reading.documents


def _line_of(error: Exception, text: str) -> int | None:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) and position >= 0 else None


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not met yet."""

    value: Mapping | Sequence
    anchor: str | None
    weight: int = 1
    key: tuple[str, Spot] | None = None
    """Of a mapping: the key that waits for its value."""
    end: int = 0
    merged: list[Any] = field(default_factory=list)
    ignored: bool = False


class _Reading:
    """The documents as their events come; never recursive, whatever the depth."""

    def __init__(self, own_tags: frozenset[str]) -> None:
        self.documents: list[Any] = []
        self._own_tags = own_tags
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}

    def take(self, event: Any) -> None:
        """The next event."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._begin(event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._anchors.clear()

    def _scalar(self, event: Any) -> None:
        value: Any = event.value
        start = event.start_mark
        spot = Spot(start.index, event.end_mark.index, start.line + 1, start.column + 1)
        if event.tag is not None and event.tag != "!":
            value = self._tagged(event.tag, value, spot)
        elif not event.style and event.implicit[0]:
            value = resolved(value)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, spot, 1, event.value)

    def _tagged(self, tag: str, text: str, spot: Spot) -> Any:
        if tag in self._own_tags:
            return None
        name = tag.removeprefix(_STANDARD)
        if not tag.startswith(_STANDARD) or name not in ("str", "int", "float", "bool", "null"):
            raise BadYaml(f"the tag {tag}, which is not known here", spot.line)
        return text if name == "str" else resolved(text)

    def _begin(self, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise BadYaml(f"more than {MAX_DEPTH} lists and mappings in one another", event.start_mark.line + 1)
        value: Mapping | Sequence = Mapping() if isinstance(event, yaml.MappingStartEvent) else Sequence()
        value.spot = _spot(event)
        value.flow = bool(event.flow_style)
        opened = _Open(value=value, anchor=event.anchor, end=value.spot.end)
        if event.tag is not None and event.tag != "!":
            opened.ignored = event.tag in self._own_tags
            if not opened.ignored and event.tag not in _CONTAINERS:
                raise BadYaml(f"the tag {event.tag}, which is not known here", value.spot.line)
        self._open.append(opened)

    def _end(self, event: Any) -> None:
        closed = self._open.pop()
        value = closed.value
        start, _, line, column = value.spot
        value.spot = Spot(start, event.end_mark.index if value.flow else closed.end, line, column)
        for under in closed.merged:
            _merge(value, under)
        done: Any = None if closed.ignored else value
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (done, closed.weight)
        self._add(done, value.spot, closed.weight)

    def _alias(self, event: Any) -> None:
        spot = _spot(event)
        if event.anchor not in self._anchors:
            raise BadYaml(f"the alias *{event.anchor} of something that does not stand before it", spot.line)
        value, weight = self._anchors[event.anchor]
        self._add(value, spot, weight, value if isinstance(value, str) else None)

    def _add(self, value: Any, spot: Spot, weight: int, text: str | None = None) -> None:
        if not self._open:
            self.documents.append(value)
            return
        holder = self._open[-1]
        into = holder.value
        holder.weight += weight
        if holder.weight > MAX_NODES:
            raise BadYaml(f"more than {MAX_NODES} values, aliases followed", spot.line)
        holder.end = max(holder.end, spot.end)
        if isinstance(into, Sequence):
            into.append(value)
            into.values_at.append(spot)
        elif holder.key is None:
            if text is None:
                raise BadYaml("a key that is no text", spot.line)
            if text in into and text != "<<":
                raise BadYaml(f"`{text}` stands twice", spot.line)
            holder.key = (text, spot)
        else:
            key, at = holder.key
            holder.key = None
            if key == "<<" and isinstance(value, dict | list):
                holder.merged += value if isinstance(value, list) else [value]
                return
            into[key] = value
            into.keys_at[key] = at
            into.values_at[key] = spot


def _merge(into: Any, under: Any) -> None:
    """What a merge key brings: only keys that the mapping has not itself."""
    if isinstance(into, Mapping) and isinstance(under, Mapping):
        for key, value in under.items():
            if key not in into:
                into[key] = value
                into.keys_at[key] = under.keys_at[key]
                into.values_at[key] = under.values_at[key]


def _spot(event: Any) -> Spot:
    start = event.start_mark
    return Spot(start.index, event.end_mark.index, start.line + 1, start.column + 1)


def resolved(text: str) -> Any:
    """What a plain word means in the core schema of YAML 1.2: nothing, a truth, a number, else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC or len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.match(text):
        return int(text)
    if _OTHER_BASE.match(text):
        return int(text, 0)
    return float(text) if _FLOAT.match(text) else text
