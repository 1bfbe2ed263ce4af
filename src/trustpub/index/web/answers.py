# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of one kind each: a problem in the dialect of who asked, a redirect to this index, an early refusal."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trustpub.index.web.phrase import EXTENSION, phrase
from trustpub.protocol.accept import JSON_TYPE, PYTP_TYPE, answer_type, problem_type
from trustpub.protocol.exchange import PROBLEM_TYPE, Problem
from trustpub.protocol.quality import media_quality

DISCARD_BYTES = 8 * 1024 * 1024
DISCARD_SECONDS = 2.0
"""How much more of a refused body is read, and for how long. Many clients send all before they read anything: if the
connection closed at once, they would see it broken and not the answer."""

NO_STORE = {"Cache-Control": "no-store"}


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class JSONAnswer(Response):
    """A JSON document that nobody keeps."""

    def __init__(self, content: Mapping[str, Any], status_code: int = 200, media_type: str = JSON_TYPE) -> None:
        super().__init__(content, status_code, headers=NO_STORE, media_type=media_type)

    def render(self, content: Any) -> bytes:
        """Compact JSON."""
        return _COMPACT.encode(content).encode()


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


def accepted(request: Request) -> str | None:
    """The ``Accept`` header, all its lines together; None if there is none."""
    lines = [value.decode("latin-1") for name, value in request.scope["headers"] if name == b"accept"]
    return ", ".join(lines) if lines else None


REQUEST_KEY = "trustpub.request"
"""In a request's scope: its id, where it has one."""
PROBLEM_KEY = "trustpub.problem"
"""In a request's scope: the code of the problem that it is answered with."""


def problem_body(problem: Problem, request: Request, public_url: str | None = None) -> dict[str, Any]:
    """The members of a refusal (RFC 9457 section 3.1), and a note of it for the log and the figures.

    ``instance`` has the id of the request, by which its lines in the log are found.
    """
    url = _public_url(request) if public_url is None else public_url
    request.scope[PROBLEM_KEY] = problem.code
    known = request.scope.get(REQUEST_KEY)
    return {**problem.body(url), **({} if known is None else {"instance": f"{url}/#request-{known}"})}


def problem_answer(problem: Problem, request: Request, public_url: str | None = None) -> Response:
    """A refusal as JSON, whatever was asked for; whether it is called a problem goes by ``Accept``.

    ``public_url``: of the index; known to its application unless given.
    """
    body = problem_body(problem, request, public_url)
    answer = JSONAnswer(body, problem.status, problem_type(accepted(request)))
    answer.headers["Vary"] = "Accept"
    _add_retry(answer, problem)
    return answer


def exchange_answer(content: Mapping[str, Any], request: Request, status: int = 200) -> Response:
    """An answer of the exchange, in the type that was asked for."""
    answer = JSONAnswer(content, status, answer_type(accepted(request)) or JSON_TYPE)
    answer.headers["Vary"] = "Accept"
    return answer


_NOT_ACCEPTABLE = Problem(
    status=406,
    code="not-acceptable",
    title="Not acceptable",
    detail=f"This address answers with {JSON_TYPE} or {PYTP_TYPE}; Accept allows neither.",
)


def negotiated(endpoint: Callable[[Request], Awaitable[Response | ASGIApp]]) -> Callable[[Request], Awaitable[Any]]:
    """``endpoint``, for those who can read its answer: others are told so before anything is done."""

    async def asked(request: Request) -> Response | ASGIApp:
        if answer_type(accepted(request)) is None:
            return Discarding(problem_answer(_NOT_ACCEPTABLE, request))
        return await endpoint(request)

    return asked


def _public_url(request: Request) -> str:
    return str(request.app.state.public_url)


def _add_retry(response: Response, problem: Problem) -> None:
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)


def upload_problem(problem: Problem, request: Request) -> Response:
    """A refusal of an upload: in the status line for twine, in the body for all others.

    The body is JSON where the client can read it, with ``code`` as PyPI has it for uv; else the sentence as text.
    """
    sentence = problem.sentence[:1].upper() + problem.sentence[1:]
    accept = accepted(request) or ""
    json_type = max((JSON_TYPE, PROBLEM_TYPE), key=lambda one: media_quality(one, accept))
    response: PhrasedResponse
    whole = problem_body(problem, request)
    if "json" in accept.lower() and media_quality(json_type, accept) > 0:
        body = {
            **whole,
            "message": sentence,
            "code": f"{problem.status} {sentence}",
        }
        response = PhrasedResponse(json.dumps(body).encode(), problem.status, media_type=json_type)
    else:
        response = PhrasedResponse(f"{problem.status} {sentence}\n", problem.status, media_type="text/plain")
    response.reason = sentence
    response.headers.update({**NO_STORE, "Vary": "Accept, Authorization"})
    _add_retry(response, problem)
    return response


def redirect(public_url: str, path: str, request: Request, status: int) -> Response:
    """To ``path`` on this index, by its public URL and never by the Host header. The query goes along."""
    query = request.scope["query_string"].decode("latin-1")
    location = public_url + path + (f"?{query}" if query else "")
    return Response(f"{location}\n", status, {"Location": location}, media_type="text/plain")
