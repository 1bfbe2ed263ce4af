# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Text as a value in YAML."""

from __future__ import annotations

import json
import re

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9 ._/@-]*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What some reader of YAML takes for something else than text."""


def scalar(text: str) -> str:
    """``text`` as it stands where every reader takes it for text, otherwise in quotes."""
    plain = _PLAIN.match(text) and text.lower() not in _WORDS and text == text.strip()
    return text if plain else json.dumps(text, ensure_ascii=False)


def listing(texts: tuple[str, ...]) -> str:
    """``texts`` as a list on one line, each in quotes."""
    return f"[{', '.join(json.dumps(text, ensure_ascii=False) for text in texts)}]"
