# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What installers read, served before the routes are looked at: it is most of what is asked for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trustpub.index.ports import Blobs
from trustpub.index.settings import Settings
from trustpub.index.simple import Pages
from trustpub.index.web.answers import problem_answer
from trustpub.index.web.files import Files
from trustpub.index.web.pages import HATCH, JSON_API, SIMPLE, JsonPages, SimplePages
from trustpub.protocol.exchange import Problem

_WRONG_METHOD = Problem(
    status=405,
    code="method-not-allowed",
    title="Method Not Allowed",
    detail="This address does not take this method.",
)


class Reads:
    """Pages and files; all else goes on to ``app``."""

    def __init__(self, app: ASGIApp, *, pages: Pages, blobs: Blobs, settings: Settings) -> None:
        self._app = app
        self._simple = SimplePages(pages, settings)
        self._json = JsonPages(pages, settings)
        self._files = Files(pages, blobs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it, or pass it on."""
        found = self._find(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await wrong_method(scope)(scope, receive, send)
        else:
            await found(scope, receive, send)

    def _find(self, path: str) -> ASGIApp | None:
        if is_below(path, SIMPLE) or is_below(path, HATCH):
            return self._simple
        if path.startswith("/packages/"):
            return self._files
        return self._json if path.startswith(f"{JSON_API}/") else None


def wrong_method(scope: Scope) -> Response:
    """405: what is read takes GET and HEAD."""
    answer = problem_answer(_WRONG_METHOD, Request(scope))
    answer.headers["Allow"] = "GET, HEAD"
    return answer


def is_below(path: str, base: str) -> bool:
    """Whether it is ``base``, or a path under it."""
    return path.startswith(base) and path[len(base) : len(base) + 1] in ("", "/")
