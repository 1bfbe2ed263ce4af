# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Workflow files as YAML documents, read as their CI reads them: `on` is a word, and a key stands once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from trustpub.errors import Misuse
from trustpub.printable import printable

MAX_BYTES = 1024 * 1024
"""A workflow larger than this is not read (GitHub takes 512 KiB)."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML speaks it, with the booleans of YAML 1.2: `on`, `off`, `yes` and `no` are text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and shape
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            # Of a key that stands twice two readers may see two values; GitHub refuses it, and so do we.
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"`{key.value}` stands twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
)


class _GitLabLoader(_Loader):
    """With the one tag of GitLab's own."""


_GitLabLoader.add_constructor("!reference", lambda loader, node: None)  # what it refers to is not looked for


def load(path: Path, *, reader: Literal["GitHub", "GitLab"] = "GitHub") -> Mapping[str, Any]:
    """The document in ``path``, a mapping; ``reader`` is who takes it.

    Raises:
        Misuse: the file cannot be read, or is not a mapping in YAML; says where it goes wrong.
    """
    shown = printable(path.name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Misuse(f"{shown} cannot be read: {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise Misuse(f"{shown} is larger than {MAX_BYTES} bytes, which no workflow is.")
    try:
        value = yaml.load(content, _GitLabLoader if reader == "GitLab" else _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        place = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise Misuse(
            f"{shown} is not YAML that {reader} would take{place}: {printable(error.problem or '?')}."
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        raise Misuse(f"{shown} is not YAML.") from None
    if not isinstance(value, dict):
        raise Misuse(f"{shown} is not a workflow: it is no mapping.")
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one: what its CI would refuse, holds nothing here."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> tuple[Any, ...]:
    """A list's items; one item where a single value stands for a list; nothing for nothing."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
