# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The links of a page. Apart, since most indexes answer in JSON and the reader takes time to load."""

from __future__ import annotations

from html.parser import HTMLParser


def hrefs(page: str) -> list[str]:
    """Where the anchors of ``page`` lead, in their order."""
    anchors = _Anchors()
    anchors.feed(page)
    return anchors.found


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link, perhaps."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value][:1]
