# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Workflow files as YAML documents, read as their CI reads them: `on` is a word, and a key stands once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import located, texts

MAX_BYTES = 1024 * 1024
"""A workflow larger than this is not read (GitHub takes 512 KiB)."""

_OWN_TAGS = {"GitLab": frozenset({"!reference"})}  # what it refers to is not looked for


def load(path: Path, *, reader: Literal["GitHub", "GitLab", "Google"] = "GitHub") -> Mapping[str, Any]:
    """The document in ``path``, a mapping; ``reader`` is who takes it.

    Raises:
        Misuse: the file cannot be read, or is not a mapping in YAML; says where it goes wrong.
    """
    return document(content(path), printable(path.name), reader=reader)


def content(path: Path) -> str:
    """The text of ``path``, without a mark of its byte order.

    Raises:
        Misuse: the file cannot be read, is too large, or is not in UTF-8.
    """
    return texts.read(path, printable(path.name), most=MAX_BYTES).removeprefix("\ufeff")


def document(text: str, shown: str, *, reader: Literal["GitHub", "GitLab", "Google"] = "GitHub") -> located.Mapping:
    """The one document in ``text``; of several, as GitLab allows them, the last. ``shown`` is the file's name.

    Raises:
        Misuse: it is not a mapping in YAML; says where it goes wrong.
    """
    try:
        found = located.read(text, own_tags=_OWN_TAGS.get(reader, frozenset()))
    except located.BadYaml as error:
        place = "" if error.line is None else f" in line {error.line}"
        raise Misuse(f"{shown} is not YAML that {reader} would take{place}: {printable(error.problem)}.") from None
    if len(found) > 1 and reader != "GitLab":
        raise Misuse(f"{shown} is not YAML that {reader} would take: it has {len(found)} documents.")
    if not found or not isinstance(found[-1], located.Mapping):
        raise Misuse(f"{shown} is not a workflow: it is no mapping.")
    return found[-1]


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one: what its CI would refuse, holds nothing here."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> tuple[Any, ...]:
    """A list's items; one item where a single value stands for a list; nothing for nothing."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
