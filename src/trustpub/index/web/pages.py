# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Simple API over HTTP, and the page at the door."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trustpub.index.settings import Settings
from trustpub.index.simple import Page, Pages
from trustpub.index.web.answers import problem_answer, redirect
from trustpub.index.web.files import is_unchanged
from trustpub.packages.names import is_valid, normalize
from trustpub.protocol.exchange import Problem
from trustpub.protocol.simple import Format, media_quality, negotiate


class SimplePages:
    """``/simple/`` and below."""

    def __init__(self, pages: Pages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    async def root(self, request: Request) -> Response:
        """The list of projects."""
        form = _form(request)
        if form is None:
            return _not_acceptable(request)
        return _answer(request, await run_in_threadpool(self._pages.root, form))

    async def project(self, request: Request) -> Response:
        """A project's files; another spelling of its name is sent to the normal one (PEP 503)."""
        name = request.path_params["project"]
        if not is_valid(name):
            raise HTTPException(404)
        if name != normalize(name):
            return redirect(self._settings.public_url, f"/simple/{normalize(name)}/", request, 301)
        form = _form(request)
        if form is None:
            return _not_acceptable(request)
        page = await run_in_threadpool(self._pages.project, name, form)
        if page is None:
            raise HTTPException(404)
        return _answer(request, page)

    async def slashless_root(self, request: Request) -> Response:
        """Pages end in a slash."""
        return redirect(self._settings.public_url, "/simple/", request, 308)

    async def slashless(self, request: Request) -> Response:
        """Pages end in a slash."""
        name = request.path_params["project"]
        if not is_valid(name):
            raise HTTPException(404)
        return redirect(self._settings.public_url, f"/simple/{normalize(name)}/", request, 308)


def _form(request: Request) -> Format | None:
    return negotiate(request.headers.get("accept"), request.query_params.get("format"))


def _not_acceptable(request: Request) -> Response:
    offered = ", ".join(form.value for form in Format)
    detail = f"These pages are to be had as {offered}."
    problem = Problem(status=406, code="not-acceptable", title="Not acceptable", detail=detail)
    return problem_answer(problem, request)


def _answer(request: Request, page: Page) -> Response:
    # gzip only where it is named: an old client that says nothing may not know it.
    packed = "gzip" in request.headers.get("accept-encoding", "").lower() and (
        media_quality("gzip", request.headers["accept-encoding"]) > 0
    )
    headers = {
        "ETag": page.packed_etag if packed else page.etag,
        "Vary": "Accept, Accept-Encoding",
        # May be kept, and must be asked about: a new file shows at once.
        "Cache-Control": "no-cache",
        "X-PyPI-Last-Serial": str(page.serial),
        "Content-Type": page.form.content_type,
    }
    if is_unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(page.packed if packed else page.body, 200, headers)
