# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Shapes of JSON documents: a few words of JSON Schema (draft 2020-12), and the reader that goes by them.

The reader knows exactly the keywords that the makers here use, so that what is documented and what is done cannot
differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.printable import printable

Shape = Mapping[str, Any]
"""A JSON Schema."""

LONGEST_TEXT = 4096
"""Characters of a text that has no limit of its own."""


def text(says: str, **more: Any) -> dict[str, Any]:
    """A text; ``more``: further keywords, as ``maxLength`` and ``enum``."""
    limit = {} if "enum" in more else {"maxLength": LONGEST_TEXT}
    return {"type": "string", **limit, **more, "description": says}


def flag(says: str) -> dict[str, Any]:
    """True or false."""
    return {"type": "boolean", "description": says}


def whole(says: str, **more: Any) -> dict[str, Any]:
    """A whole number; ``more``: ``minimum`` and ``maximum``."""
    return {"type": "integer", **more, "description": says}


def several(says: str, items: Shape, **more: Any) -> dict[str, Any]:
    """An array; ``more``: ``maxItems``."""
    return {"type": "array", "items": dict(items), **more, "description": says}


def table(says: str, properties: Mapping[str, Shape], *required: str) -> dict[str, Any]:
    """An object with these members and no others."""
    return {
        "type": "object",
        "description": says,
        "properties": {name: dict(one) for name, one in properties.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def named(says: str, values: Shape) -> dict[str, Any]:
    """An object with any members, all of this shape."""
    return {"type": "object", "description": says, "additionalProperties": dict(values)}


_TYPES: Mapping[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def faults(value: Any, schema: Shape, path: str = "", whole: str = "the file") -> Iterator[str]:
    """Everything in which ``value`` is not what ``schema`` says: a path and a clause each, never the value.

    ``whole``: what the value is called where it is all wrong.
    """
    wanted = schema.get("type")
    types = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if not any(_is(value, one) for one in types):
        yield f"{path or whole}: is not {' or '.join(_WORDS[one] for one in types)}"
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    elif isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{path}: has more than {schema['maxItems']} entries"
        for number, one in enumerate(value):
            yield from faults(one, schema["items"], f"{path}[{number}]")
    elif isinstance(value, str):
        yield from _text_faults(value, schema, path)
    elif not isinstance(value, bool) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: is not from {schema['minimum']} to {schema['maximum']}"


_WORDS = {
    "object": "a table",
    "array": "an array",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def _object_faults(value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{_below(path, name)}: is missing"
    for name, one in value.items():
        if name in properties:
            yield from faults(one, properties[name], _below(path, name))
        elif isinstance(more, dict):
            yield from faults(one, more, _below(path, name))
        elif not more:
            yield f"{_below(path, name)}: is not known here (known: {', '.join(properties)})"


def _text_faults(value: str, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: is empty"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path}: is longer than {schema['maxLength']} characters"
    if value not in schema.get("enum", (value,)):
        yield f"{path}: is none of {', '.join(schema['enum'])}"


def _below(path: str, name: str) -> str:
    shown = printable(name, 100)
    return f"{path}.{shown}" if path else shown
