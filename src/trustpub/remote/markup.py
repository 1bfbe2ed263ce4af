# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a reader would see of a page in HTML."""

from __future__ import annotations

from html.parser import HTMLParser

_UNSEEN = frozenset({"head", "script", "style", "title"})


def seen(text: str) -> str:
    """The text of a page, its pieces joined by blanks."""
    page = _Seen()
    page.feed(text)
    return " ".join(page.pieces)


class _Seen(HTMLParser):
    """The text of a page that a reader would see."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A piece of the page that is not text begins."""
        self._hidden += tag in _UNSEEN

    def handle_endtag(self, tag: str) -> None:
        """And ends."""
        self._hidden = max(0, self._hidden - (tag in _UNSEEN))

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._hidden and data.strip():
            self.pieces.append(data.strip())
