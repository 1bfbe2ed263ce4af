# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The one gate in front of a private index: what is not named here as open needs a token that may read.

It stands before the routes, so that none can be forgotten: a path that is new, or that there is not, is closed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trustpub.index.readers import Reader, Readers
from trustpub.index.web.answers import Discarding, problem_answer
from trustpub.index.web.health import ALIVE_PATH, READY_PATH
from trustpub.protocol.discovery import DISCOVERY_PATH, SIGSTORE_PATH
from trustpub.protocol.exchange import (
    AUDIENCE_PATH,
    BURN_PATH,
    MINT_PATH,
    OLD_MINT_PATH,
    PREFLIGHT_PATH,
    PROBLEMS_PATH,
    Problem,
)
from trustpub.protocol.management.operation import BASE
from trustpub.protocol.upload import UPLOAD_PATH

OPEN = frozenset(
    {
        "/",
        ALIVE_PATH,
        READY_PATH,
        DISCOVERY_PATH,
        SIGSTORE_PATH,
        AUDIENCE_PATH,
        MINT_PATH,
        OLD_MINT_PATH,
        BURN_PATH,
        PREFLIGHT_PATH,
        UPLOAD_PATH,
        UPLOAD_PATH.rstrip("/"),
    }
)
"""Paths that are for everybody, or look at credentials themselves; so are those below :data:`PROBLEMS_PATH`, and those
of the management API."""

ONLY = "trustpub.only"
"""In a request's scope: the projects, by normal form, that whoever asks may read; missing if all."""

_CHALLENGE = 'Basic realm="trustpub", charset="UTF-8"'

_NOT_HERE = Problem(status=404, code="not-found", title="Not Found", detail="There is nothing here.")


class Gate:
    """Lets those in who may read, and keeps what they are sent out of caches that others share."""

    def __init__(self, app: ASGIApp, readers: Readers, sees_itself: Callable[[str], bool] = lambda path: False) -> None:
        """``sees_itself``: whether at a path there is a page for people, which looks at who is signed in."""
        self._app = app
        self._readers = readers
        self._sees_itself = sees_itself

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http" or is_open(scope["path"]) or self._sees_itself(scope["path"]):
            await self._app(scope, receive, send)
            return
        found = await self._reader(scope)
        if isinstance(found, Problem):
            await Discarding(_refusal(found, scope))(scope, receive, send)
            return
        if found.only is not None:
            if not await run_in_threadpool(self._readers.may_see, found, scope["path"]):
                # Whatever is asked for: what is not there, and what there is for others, is one answer.
                await Discarding(_refusal(_NOT_HERE, scope))(scope, receive, send)
                return
            scope[ONLY] = frozenset(found.only)
        await self._app(scope, receive, _privately(send))

    async def _reader(self, scope: Scope) -> Reader | Problem:
        lines = [value for name, value in scope["headers"] if name == b"authorization"]
        authorization = lines[0].decode("latin-1") if len(lines) == 1 else None
        known = self._readers.at_hand(authorization)
        return known if known is not None else await run_in_threadpool(self._readers.admit, authorization)


def is_open(path: str) -> bool:
    """Whether a private index takes a request to ``path`` without looking who sends it."""
    return path in OPEN or path.startswith((PROBLEMS_PATH, f"{BASE}/"))


def _refusal(problem: Problem, scope: Scope) -> Response:
    response = problem_answer(problem, Request(scope))
    response.headers["Vary"] = "Accept, Authorization"
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = _CHALLENGE
    return response


def _privately(send: Send) -> Send:
    async def send_privately(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": private_headers(message.get("headers", ()))}
        await send(message)

    return send_privately


def private_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The same headers, for one reader alone: no cache that others share may keep what they come with."""
    found = [(name.lower(), value) for name, value in headers]
    kept = [(name, value) for name, value in found if name not in (b"cache-control", b"vary")]
    return [*kept, (b"cache-control", _cache_control(found)), (b"vary", _vary(found))]


def _listed(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    lines = b",".join(value for name, value in headers if name == wanted)
    return [one for one in (part.strip() for part in lines.split(b",")) if one]


def _cache_control(headers: list[tuple[bytes, bytes]]) -> bytes:
    given = _listed(headers, b"cache-control")
    if b"no-store" in given:
        return b", ".join(given)
    kept = [one for one in given if one not in (b"public", b"private") and not one.startswith(b"s-maxage")]
    return b", ".join([b"private", *(kept or [b"no-cache"])])


def _vary(headers: list[tuple[bytes, bytes]]) -> bytes:
    given = _listed(headers, b"vary")
    return b", ".join([*given, *([] if b"authorization" in {one.lower() for one in given} else [b"Authorization"])])
