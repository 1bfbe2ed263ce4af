# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of one kind each: a problem in the dialect of who asked, a redirect to this index, an early refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anyio
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from trustpub.index.web.phrase import EXTENSION, phrase
from trustpub.protocol.exchange import PROBLEM_TYPE, Problem
from trustpub.protocol.simple import media_quality

DISCARD_BYTES = 8 * 1024 * 1024
DISCARD_SECONDS = 2.0
"""How much more of a refused body is read, and for how long. Many clients send all before they read anything: if the
connection closed at once, they would see it broken and not the answer."""

NO_STORE = {"Cache-Control": "no-store"}


class JSONAnswer(Response):
    """A JSON document that nobody keeps."""

    media_type = "application/json"

    def __init__(self, content: Mapping[str, Any], status_code: int = 200) -> None:
        super().__init__(content, status_code, headers=NO_STORE)

    def render(self, content: Any) -> bytes:
        """Compact JSON."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


class PhrasedResponse(Response):
    """A response whose status line says ``reason`` where the server can do so."""

    reason: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        offered = EXTENSION in scope.get("extensions", {})

        async def send_with_reason(message: Any) -> None:
            if message["type"] == "http.response.start" and offered and self.reason:
                message = {**message, "reason": phrase(self.reason)}
            await send(message)

        await super().__call__(scope, receive, send_with_reason)


_ENDED = "trustpub.ended"


def watched(scope: Scope, receive: Receive) -> Receive:
    """``receive``, noting in ``scope`` when the request's body has ended: after that, there is nothing to wait for."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" not in headers and headers.get(b"content-length", b"0") == b"0":
        scope[_ENDED] = True

    async def receive_and_note() -> Message:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            scope[_ENDED] = True
        return message

    return receive_and_note


class Discarding:
    """Sends ``response``, and then reads on for a while before the connection closes; needs :func:`watched`."""

    def __init__(self, response: Response) -> None:
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. The response counts as unfinished while the rest of the request is read."""
        if scope.get(_ENDED, False):
            await self._response(scope, receive, send)
            return
        last: list[Any] = []

        async def hold_the_end(message: Any) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                last.append({"type": "http.response.body", "body": b"", "more_body": False})
                message = {**message, "more_body": True}
            await send(message)

        self._response.headers["Connection"] = "close"
        await self._response(scope, receive, hold_the_end)
        with anyio.move_on_after(DISCARD_SECONDS):
            await _discard(receive)
        for message in last:
            await send(message)


async def _discard(receive: Receive) -> None:
    left = DISCARD_BYTES
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))


def problem_answer(problem: Problem) -> Response:
    """A refusal in the exchange: JSON, whatever was asked for."""
    return JSONAnswer(problem.body(), problem.status)


def upload_problem(problem: Problem, request: Request) -> Response:
    """A refusal of an upload: in the status line for twine, in the body for all others.

    The body is JSON where the client can read it, with ``code`` as PyPI has it for uv; else the sentence as text.
    """
    sentence = problem.detail[:1].upper() + problem.detail[1:]
    accept = request.headers.get("accept", "")
    json_type = next((one for one in ("application/json", PROBLEM_TYPE) if media_quality(one, accept) > 0), None)
    response: PhrasedResponse
    if json_type is not None and "json" in accept:
        body = {**problem.body(), "message": sentence, "code": f"{problem.status} {sentence}"}
        response = PhrasedResponse(json.dumps(body).encode(), problem.status, media_type=json_type)
    else:
        response = PhrasedResponse(f"{problem.status} {sentence}\n", problem.status, media_type="text/plain")
    response.reason = sentence
    response.headers.update({**NO_STORE, "Vary": "Accept, Authorization"})
    return response


def redirect(public_url: str, path: str, request: Request, status: int) -> Response:
    """To ``path`` on this index, by its public URL and never by the Host header. The query goes along."""
    query = URL(scope=request.scope).query
    location = public_url + path + (f"?{query}" if query else "")
    return Response(f"{location}\n", status, {"Location": location}, media_type="text/plain")
