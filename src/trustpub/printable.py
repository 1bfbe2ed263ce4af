# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Text from outside, made fit for a terminal and for a CI's log."""

from __future__ import annotations

import re
import unicodedata

# Cc control, Cf format (directions, zero width), Cs lone surrogates, Co private use, Cn unassigned, Zl Zp separators.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")


def printable(text: str, limit: int = 1000) -> str:
    r"""``text`` as one line of at most ``limit`` characters that commands neither a terminal nor a CI runner.

    White space is folded; control and format characters become escapes such as ``\x1b``; ``::`` and ``##``, with which
    a line of a log turns into a command on GitHub (``::error``, ``##[group]``) and Azure (``##vso[…]``), are pulled
    apart.
    """
    line = _SPACES.sub(" ", text[: limit * 4]).strip()
    if not (line.isascii() and line.isprintable()):
        line = "".join(_escape(one) if unicodedata.category(one) in _UNFIT else one for one in line)
    line = re.sub(r"([:#])(?=\1)", r"\1 ", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def inert(text: str, limit: int = 1000) -> str:
    """:func:`printable`, and no link, image or tag where somebody puts it into Markdown, as job summaries do."""
    return _TAG.sub("< ", printable(text, limit).replace("](", "] ("))


def quoted(text: str) -> str:
    """What a person typed, for a sentence about it: printable, in quotes, cut to 200 characters."""
    return repr(printable(text, 200))


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
