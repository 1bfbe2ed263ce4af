# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What installers read of a gateway: the way to the index behind it, which has the files.

The answers do not depend on what is there, so they say nothing of what anybody may not know.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trustpub.index.settings import Gateway
from trustpub.index.web.answers import problem_answer
from trustpub.index.web.asked import not_here
from trustpub.index.web.pages import HATCH, JSON_API, SIMPLE
from trustpub.index.web.reads import is_below, wrong_method
from trustpub.packages.names import BadFilename, is_valid, normalize, read_filename
from trustpub.protocol.exchange import Problem

_METADATA = ".metadata"


class Elsewhere:
    """Redirects pages and files to where they are; all else goes on to ``app``."""

    def __init__(self, app: ASGIApp, *, gateway: Gateway) -> None:
        self._app = app
        self._simple = f"{gateway.simple_url.rstrip('/')}/"
        self._json = Problem(
            status=404,
            code="not-found",
            title="Not Found",
            detail=f"This index keeps no files, and has no JSON API of them. They are at {gateway.upstream}.",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it, or pass it on."""
        if scope["type"] != "http" or (answer := self._answer(scope)) is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            answer = wrong_method(scope)
        await answer(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if is_below(path, SIMPLE):
            return self._page(path.removeprefix(SIMPLE).strip("/"), scope)
        if is_below(path, HATCH):
            # hatch asks what is there already, and follows no redirect: nothing is, here.
            return not_here(scope)
        if path.startswith("/packages/"):
            return self._file(path.rpartition("/")[2], scope)
        return problem_answer(self._json, Request(scope)) if path.startswith(f"{JSON_API}/") else None

    def _page(self, name: str, scope: Scope) -> Response:
        if not name:
            return self._redirect(self._simple, scope)
        return self._redirect(f"{self._simple}{normalize(name)}/", scope) if is_valid(name) else not_here(scope)

    def _file(self, filename: str, scope: Scope) -> Response:
        """To the page that links it: where the file itself is, only that page knows."""
        try:
            read = read_filename(unquote(filename).removesuffix(_METADATA))
        except BadFilename:
            return not_here(scope)
        return self._page(read.name, scope)

    def _redirect(self, location: str, scope: Scope) -> Response:
        query = scope["query_string"].decode("latin-1")
        location = quote(location, safe="/:@!$&'()*+,;=-._~%[]") + (f"?{query}" if query else "")
        # Not to be kept: the index behind this one may be another tomorrow.
        headers = {"Location": location, "Cache-Control": "no-store"}
        return Response(f"{location}\n", 302, headers, media_type="text/plain")
