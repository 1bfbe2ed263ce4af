# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How an index shows the long description of a project (core metadata, Description-Content-Type).

readme_renderer does it, as on PyPI; it is loaded with the first description.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import EmailMessage
from io import StringIO
from typing import Any

from trustpub.printable import printable

USUAL = "text/x-rst"
"""What a description is that does not say it."""
TYPES = ("text/plain", "text/x-rst", "text/markdown")
_WARNING = re.compile(r"<string>:(?P<line>\d+): \((?P<level>[A-Z]+)/\d\) (?P<said>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What becomes of a description."""

    html: str | None
    """Safe to show; None where it cannot be rendered, and is shown as it is written."""
    faults: tuple[str, ...] = ()
    """Why it cannot, in clauses: "line 3: …"."""


def render(text: str, content_type: str | None) -> Shown:
    """``text`` as HTML without scripts.

    Raises:
        ModuleNotFoundError: readme_renderer is not installed.
    """
    kind, parameters = _parsed(content_type or USUAL)
    if kind == "text/plain":
        from readme_renderer import txt

        return Shown(html=txt.render(text))
    if kind == "text/markdown":
        from readme_renderer import markdown

        html = markdown.render(text, variant=parameters.get("variant", "GFM"))
        return Shown(html=html, faults=() if html is not None else ("is not Markdown that can be rendered",))
    if kind == "text/x-rst":
        from readme_renderer import rst

        told = StringIO()
        html = rst.render(text, stream=told)
        return Shown(html=html, faults=() if html is not None else _faults(told.getvalue()))
    return Shown(html=None, faults=(f"has the content type {printable(kind, 100)}, and not one of {', '.join(TYPES)}",))


def _parsed(content_type: str) -> tuple[str, dict[str, Any]]:
    message = EmailMessage()
    message["content-type"] = " ".join(content_type.split()) or USUAL
    return message.get_content_type(), dict(message["content-type"].params)


def _faults(told: str) -> tuple[str, ...]:
    found = [f"line {match['line']}: {printable(match['said'], 300)}" for match in _WARNING.finditer(told)]
    return tuple(found[:10]) or ("is not reStructuredText that can be rendered",)
