# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Simple API and the JSON API over HTTP.

These are plain ASGI: most requests of an installer are for pages that are at hand, and are answered without a thread,
a transaction or a request object.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trustpub.index.settings import Settings
from trustpub.index.simple import Page, Pages, normal_version
from trustpub.index.web.answers import problem_answer, redirect
from trustpub.index.web.asked import Asked, Headers, has_already, not_here, takes_gzip
from trustpub.index.web.gate import ONLY
from trustpub.packages.names import is_valid, normalize
from trustpub.protocol.exchange import Problem
from trustpub.protocol.simple import Format, negotiate

SIMPLE = "/simple"
HATCH = "/legacy/+simple"
"""Where hatch looks for what is there already: ``+simple`` below the upload URL, as devpi has it."""

JSON_API = "/pypi"

# Pages may be kept, and must be asked about: a new file shows at once.
_ASK_AGAIN = (b"cache-control", b"no-cache")
_SIMPLE_HEADERS = [_ASK_AGAIN, (b"vary", b"Accept, Accept-Encoding")]
_JSON_HEADERS = [_ASK_AGAIN, (b"vary", b"Accept-Encoding")]

_LONGEST_KEPT = 1024
"""Bytes of a header whose meaning is remembered."""


class SimplePages:
    """``/simple/`` and below, and the same below the upload URL."""

    def __init__(self, pages: Pages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or a HEAD."""
        path: str = scope["path"]
        base = HATCH if path.startswith(HATCH) else SIMPLE
        tail = path[len(base) :]
        if tail == "/":
            await self._root(scope, receive, send)
            return
        name = tail.strip("/")
        if tail == "":
            answer = redirect(self._settings.public_url, f"{base}/", Request(scope), 308)
        elif tail not in (f"/{name}", f"/{name}/") or not is_valid(name):
            answer = not_here(scope)
        elif not tail.endswith("/"):
            answer = self._moved(scope, f"{base}/{normalize(name)}/", 308)
        elif name != normalize(name) and base == SIMPLE:
            answer = self._moved(scope, f"{base}/{normalize(name)}/", 301)
        else:
            # hatch follows no redirect: there, any spelling will do.
            await self._project(normalize(name), scope, receive, send)
            return
        await answer(scope, receive, send)

    async def _root(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["headers"])
        form = _form(asked.accept, scope["query_string"])
        if form is None:
            await _not_acceptable(scope)(scope, receive, send)
            return
        only = scope.get(ONLY)
        page = self._pages.at_hand("root", form, only)
        if page is None:
            page = await run_in_threadpool(self._pages.root, form, only)
        await send_page(page, asked, _SIMPLE_HEADERS, scope, send)

    async def _project(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope["headers"])
        form = _form(asked.accept, scope["query_string"])
        if form is None:
            await _not_acceptable(scope)(scope, receive, send)
            return
        page = self._pages.at_hand("project", name, form) or await run_in_threadpool(self._pages.project, name, form)
        if page is None:
            await (await self._elsewhere(name, scope))(scope, receive, send)
            return
        await send_page(page, asked, _SIMPLE_HEADERS, scope, send)

    async def _elsewhere(self, name: str, scope: Scope) -> Response:
        """What to say of a project that is not here. A name that is had or held is looked up nowhere else: there, it
        may be anybody's.
        """
        upstream = self._settings.upstream
        if upstream is None or await run_in_threadpool(self._pages.is_taken, name):
            return not_here(scope)
        location = f"{upstream.rstrip('/')}/{name}/"
        # Not to be kept: the name may be published here at any time.
        headers = {"Location": location, "Cache-Control": "no-store"}
        return Response(f"{location}\n", 302, headers, media_type="text/plain")

    def _moved(self, scope: Scope, path: str, status: int) -> Response:
        return redirect(self._settings.public_url, quote(path, safe="/+"), Request(scope), status)


class JsonPages:
    """``/pypi/{project}/json`` and ``/pypi/{project}/{version}/json``."""

    def __init__(self, pages: Pages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or a HEAD. There is only JSON here, and it is sent whatever ``Accept`` says, as PyPI does."""
        name, version, spelled = _release(scope["path"])
        if name is None:
            await not_here(scope)(scope, receive, send)
            return
        if not spelled:
            path = "/".join(quote(part, safe="+!") for part in ("", "pypi", name, *_one(version), "json"))
            await redirect(self._settings.public_url, path, Request(scope), 301)(scope, receive, send)
            return
        page = self._pages.at_hand("release", name, version)
        if page is None:
            page = await run_in_threadpool(self._pages.release, name, version)
        if page is None:
            await not_here(scope)(scope, receive, send)
            return
        await send_page(page, Asked(scope["headers"]), _JSON_HEADERS, scope, send)


async def send_page(page: Page, asked: Asked, more: Headers, scope: Scope, send: Send) -> None:
    """Send a page, or that the client has it."""
    # gzip only where it is named: an old client that says nothing may not know it.
    packed = takes_gzip(asked.encoding) and page.packed is not page.body
    etag, body = (page.packed_etag, page.packed) if packed else (page.etag, page.body)
    headers: Headers = [(b"content-type", page.content_type.encode()), (b"etag", etag.encode()), *more]
    if page.serial is not None:
        headers.append((b"x-pypi-last-serial", b"%d" % page.serial))
    if has_already(asked.unless, etag):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    if packed:
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _one(version: str | None) -> tuple[str, ...]:
    return () if version is None else (version,)


def _release(path: str) -> tuple[str | None, str | None, bool]:
    """Project and version of a path, in normal form, and whether they stood there in it; no project if it is none."""
    parts = path.split("/")[2:]
    if parts[-1:] == [""]:
        parts.pop()
    if len(parts) not in (2, 3) or parts[-1] != "json" or not is_valid(parts[0]):
        return None, None, False
    name = normalize(parts[0])
    if len(parts) == 2:
        return name, None, name == parts[0]
    # Any spelling of a version is taken as it stands: PyPI does so too.
    version = normal_version(parts[1])
    return (None, None, False) if version is None else (name, version, name == parts[0])


def _form(accept: bytes | None, query: bytes) -> Format | None:
    known = accept is None or len(accept) + len(query) <= _LONGEST_KEPT
    decide: Callable[[bytes | None, bytes], Format | None] = _decided if known else _decide
    return decide(accept, query)


def _decide(accept: bytes | None, query: bytes) -> Format | None:
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ()
    wanted = [value for name, value in given if name == "format"]
    return negotiate(None if accept is None else accept.decode("latin-1"), wanted[-1] if wanted else None)


_decided = lru_cache(maxsize=512)(_decide)


def _not_acceptable(scope: Scope) -> Response:
    offered = ", ".join(form.value for form in Format)
    detail = f"These pages are to be had as {offered}."
    problem = Problem(status=406, code="not-acceptable", title="Not acceptable", detail=detail)
    return problem_answer(problem, Request(scope))
