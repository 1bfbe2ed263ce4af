# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index as an ASGI application."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trustpub.errors import TrustpubError
from trustpub.index.attested import Attested
from trustpub.index.metering import UNMETERED, Meter
from trustpub.index.mint import Mint
from trustpub.index.ports import Blobs, Store
from trustpub.index.readers import Readers
from trustpub.index.settings import Settings
from trustpub.index.simple import Pages
from trustpub.index.upload import Upload
from trustpub.index.web.answers import negotiated, problem_answer, upload_problem, watched
from trustpub.index.web.api import Exchange, Uploads
from trustpub.index.web.elsewhere import Elsewhere
from trustpub.index.web.gate import Gate
from trustpub.index.web.health import ALIVE_PATH, READY_PATH, Health, store_problem
from trustpub.index.web.integrity import Integrity
from trustpub.index.web.management import Management
from trustpub.index.web.phrase import HTTP_PROTOCOL
from trustpub.index.web.reads import Reads
from trustpub.index.web.site.front import door, for_people
from trustpub.index.web.site.skeleton import Site
from trustpub.index.web.site.table import is_page
from trustpub.index.web.site.table import routes as site_routes
from trustpub.index.web.where import where
from trustpub.protocol.discovery import DISCOVERY_PATH, SIGSTORE_PATH, UPLOAD_KEYS
from trustpub.protocol.exchange import (
    AUDIENCE_PATH,
    BURN_PATH,
    MINT_PATH,
    OLD_MINT_PATH,
    PREFLIGHT_PATH,
    PROBLEMS_PATH,
    Problem,
)
from trustpub.protocol.problems import KINDS, contents, page
from trustpub.protocol.upload import UPLOAD_PATH

__all__ = ["HTTP_PROTOCOL", "build"]

_log = logging.getLogger("trustpub.index")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every response that has no other of the name. There is no CORS header: no page of another origin has any business
here."""

_SENTENCES = {
    404: "There is nothing here.",
    405: "This address does not take this method.",
}


def build(
    *,
    mint: Mint,
    upload: Upload,
    pages: Pages,
    attested: Attested,
    blobs: Blobs,
    store: Store,
    settings: Settings,
    readers: Readers | None = None,
    site: Site | None = None,
    management: Management | None = None,
    meter: Meter = UNMETERED,
) -> ASGIApp:
    """The application. Serve it with ``uvicorn.Config(http=HTTP_PROTOCOL)``, so that twine's users see reasons.

    ``readers`` judges who may read; a private index cannot do without. ``site`` has the pages for people; without it,
    there are none. ``management`` is the API that does what they do. ``meter`` counts how long mints wait.
    """
    exchange, uploads = Exchange(mint, settings, meter), Uploads(upload, settings)
    integrity, health = Integrity(attested, settings), Health(store, blobs)

    async def text(request: Request) -> Response:
        return PlainTextResponse(door(settings))

    routes = [
        *([Route("/", text)] if site is None else []),
        Route(ALIVE_PATH, health.alive),
        Route(READY_PATH, health.ready),
        Route(DISCOVERY_PATH, negotiated(exchange.discover)),
        Route(SIGSTORE_PATH, integrity.instance),
        Route(AUDIENCE_PATH, negotiated(exchange.audience)),
        Route(MINT_PATH, negotiated(exchange.mint), methods=["POST"]),
        Route(OLD_MINT_PATH, negotiated(exchange.mint), methods=["POST"]),
        Route(BURN_PATH, exchange.burn, methods=["POST"]),
        Route(PREFLIGHT_PATH, negotiated(exchange.preflight), methods=["POST"]),
        Route(PROBLEMS_PATH, _problems),
        Route(PROBLEMS_PATH + "{code}", _problem_page),
        Route(UPLOAD_PATH, uploads.post, methods=["POST"]),
        Route(UPLOAD_PATH.rstrip("/"), uploads.slashless, methods=["POST"]),
        Route("/integrity/{project}/{version}/{filename}/provenance", integrity.get),
        *([] if management is None else management.routes()),
        *([] if site is None else site_routes(site)),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _http_problem},
        middleware=[
            Middleware(_Outermost),
            *_gate(settings, readers, site),  # before anything that can be read
            (
                Middleware(Reads, pages=pages, blobs=blobs, settings=settings)
                if settings.gateway is None
                else Middleware(Elsewhere, gateway=settings.gateway)
            ),
        ],
    )
    app.state.public_url = settings.public_url
    app.state.site = site
    app.router.redirect_slashes = False  # its redirects are made from the Host header
    return app


def _gate(settings: Settings, readers: Readers | None, site: Site | None) -> list[Middleware]:
    if not settings.private:
        return []
    if readers is None:
        raise ValueError("nobody judges who may read a private index")
    return [Middleware(Gate, readers=readers, sees_itself=_nothing if site is None else _is_of_site)]


def _nothing(path: str) -> bool:
    return False


def _is_of_site(path: str) -> bool:
    """Without its last slash, too: then the answer is the way to it, whoever asks and whether it is there or not."""
    return is_page(path) or is_page(f"{path}/")


async def _problems(request: Request) -> Response:
    return PlainTextResponse(contents())


async def _problem_page(request: Request) -> Response:
    kind = KINDS.get(request.path_params["code"])
    if kind is None:
        raise HTTPException(404)
    return PlainTextResponse(page(kind))


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    site: Site | None = request.app.state.site
    if site is not None and (is_page(request.scope["path"]) or (status == 404 and for_people(request))):
        return await _site_fault(site, request, status, error)
    title = HTTPStatus(status).phrase
    code = title.lower().replace(" ", "-")
    problem = Problem(status=status, code=code, title=title, detail=_SENTENCES.get(status, title))
    # Not request.url: it is made from the Host header, which may be anything.
    if request.scope["path"] in UPLOAD_KEYS:
        response = upload_problem(problem, request)
    else:
        response = problem_answer(problem, request)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


async def _site_fault(site: Site, request: Request, status: int, error: Exception) -> Response:
    """The same as a page; where only the slash at the end is missing, the way to it."""
    await site.prepare(request)
    slashed = f"{request.scope['path']}/"
    if status == 404 and request.method in ("GET", "HEAD") and is_page(slashed):
        query = request.scope["query_string"].decode("latin-1")
        location = quote(slashed, safe="/") + (f"?{query}" if query else "")
        return site.finish(request, Response(b"", 308, {"Location": location}))
    response = site.finish(request, site.fault(request, status))
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


class _Outermost:
    """Adds the headers of every response, and is the end of every exception."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                message = {**message, "headers": [*given, *(one for one in _HEADERS if one[0] not in names)]}
            await send(message)

        try:
            await self._app(scope, watched(scope, receive), send_with_headers)
        except ClientDisconnect:
            return
        except TrustpubError as error:  # of the store: the disk is full, the database locked
            _log.error("%s", error.message)
            if not started:
                await problem_answer(store_problem(error), Request(scope))(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the one place where all of them end
            _log.error("%s", where(error))
            if started:
                # Left unfinished: the server closes the connection, so that nobody takes the response for whole.
                return
            problem = Problem(
                status=500,
                code="internal-error",
                title="Internal server error",
                detail="Something went wrong in the index. Its log says where.",
            )
            await problem_answer(problem, Request(scope))(scope, receive, send_with_headers)
