# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a request for a page or a file asks for, read from its headers in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from trustpub.index.web.answers import problem_answer
from trustpub.protocol.exchange import Problem
from trustpub.protocol.quality import media_quality

Headers = list[tuple[bytes, bytes]]

_LONGEST_KEPT = 1024


class Asked:
    """The headers that decide on an answer; None where there is none. One that stands twice is put together."""

    __slots__ = ("accept", "encoding", "if_range", "range", "unless")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.accept: bytes | None = None
        self.encoding: bytes | None = None
        """``Accept-Encoding``."""
        self.unless: bytes | None = None
        """``If-None-Match``."""
        self.range: bytes | None = None
        self.if_range: bytes | None = None
        for name, value in headers:
            if name == b"accept":
                self.accept = _joined(self.accept, value)
            elif name == b"accept-encoding":
                self.encoding = _joined(self.encoding, value)
            elif name == b"if-none-match":
                self.unless = _joined(self.unless, value)
            elif name == b"range":
                self.range = _joined(self.range, value)
            elif name == b"if-range":
                self.if_range = _joined(self.if_range, value)


def _joined(before: bytes | None, value: bytes) -> bytes:
    return value if before is None else before + b", " + value


def takes_gzip(encoding: bytes | None) -> bool:
    """Whether ``Accept-Encoding`` names gzip, and does not refuse it."""
    if encoding is None:
        return False
    return _named(encoding) if len(encoding) <= _LONGEST_KEPT else False


@lru_cache(maxsize=256)
def _named(encoding: bytes) -> bool:
    text = encoding.decode("latin-1").lower()
    names = {one.partition(";")[0].strip() for one in text.split(",")}
    return "gzip" in names and media_quality("gzip", text) > 0


def has_already(unless: bytes | None, etag: str) -> bool:
    """Whether ``If-None-Match`` names this representation (RFC 9110 section 13.1.2)."""
    if unless is None:
        return False
    known = {one.strip().removeprefix("W/") for one in unless.decode("latin-1").split(",")}
    return "*" in known or etag in known


def is_unchanged(request: Request, etag: str) -> bool:
    """:func:`has_already`, of a request."""
    return has_already(Asked(request.scope["headers"]).unless, etag)


def not_here(scope: Scope) -> Response:
    """404."""
    problem = Problem(status=404, code="not-found", title="Not Found", detail="There is nothing here.")
    return problem_answer(problem, Request(scope))
