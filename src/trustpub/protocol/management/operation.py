# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an operation of the management API is, as both sides know it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trustpub.protocol.shapes import Shape

BASE = "/api/v1"
DOCUMENT_PATH = f"{BASE}/openapi.json"
"""Where the index serves its OpenAPI document."""

LINES_TYPE = "application/x-ndjson"
"""JSON documents, one a line."""

_PART = re.compile(r"{([a-z_]+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked of an index."""

    name: str
    """``project.yank``: what it is about, and what is done."""
    method: str
    path: str
    """Below :data:`BASE`; parts in braces are parameters; ``{project}`` is a project by any spelling of its name."""
    action: str
    """Whose right it takes: a value of the index's table of actions."""
    says: str
    """One sentence."""
    more: str = ""
    """What else a caller has to know."""
    query: Mapping[str, Shape] = field(default_factory=dict)
    """Parameters behind the path; those without ``required`` may be left out."""
    required: tuple[str, ...] = ()
    """Parameters of the query that may not."""
    body: Shape | None = None
    """Of the request; None: it has none."""
    answer: Shape = field(default_factory=dict)
    """Of the answer; of each line, where it comes in lines."""
    lines: bool = False
    """Whether the answer is any number of JSON documents, one a line (:data:`LINES_TYPE`)."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Parameters in the path, in their order."""
        return tuple(_PART.findall(self.path))

    @property
    def of_project(self) -> bool:
        """Whether it is done to a project."""
        return "project" in self.parts

    @property
    def members(self) -> tuple[str, ...]:
        """Of the body."""
        properties: Mapping[str, Any] = (self.body or {}).get("properties", {})
        return tuple(properties)
