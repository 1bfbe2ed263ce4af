# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub's patterns of branches and tags ("Filter pattern cheat sheet")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

MAX_LENGTH = 256
"""A longer pattern matches nothing here."""
MAX_WILD = 10
"""What has more wildcards is taken to match: trying could take for ever."""


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether ``patterns`` let ``name`` in; of several that match the last one decides, and `!` takes out again."""
    found = False
    for pattern in patterns:
        if sum(pattern.count(one) for one in "*?+") > MAX_WILD:
            return True
        if _compiled(pattern.removeprefix("!")).match(name) is not None:
            found = not pattern.startswith("!")
    return found


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    written, at = "", 0
    while at < len(pattern) and len(pattern) <= MAX_LENGTH:
        one = pattern[at]
        at += 1
        if one == "*":
            many = pattern.startswith("*", at)
            at += many
            written += ".*" if many else "[^/]*"
        elif one in "?+" and written and written[-1] not in "*?+":
            written += one
        elif one == "[" and "]" in pattern[at:]:
            end = pattern.index("]", at)
            written += "[" + re.sub(r"([\\^\[&~|])", r"\\\1", pattern[at:end]) + "]"
            at = end + 1
        elif one == "\\" and at < len(pattern):
            written += re.escape(pattern[at])
            at += 1
        else:
            written += re.escape(one)
    try:
        return re.compile(written + r"\Z" if pattern and written else r"(?!)")
    except re.error:
        return re.compile(r"(?!)")
