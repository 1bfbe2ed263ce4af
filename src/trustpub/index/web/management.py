# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The management API over HTTP: every operation of the protocol's table, and its OpenAPI document.

Only tokens are looked at, never a cookie: no page of another site can have a browser ask for anything here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trustpub import __version__
from trustpub.errors import Declined, Misuse, TrustpubError
from trustpub.index.accounts.acting import NotAllowed, NotHere, SignInFirst
from trustpub.index.accounts.authority import MANAGE_SCOPE, Actor
from trustpub.index.accounts.holders import actor_of
from trustpub.index.credentials import Credentials
from trustpub.index.desk.desk import Desk
from trustpub.index.desk.table import SERVED
from trustpub.index.settings import Settings
from trustpub.index.switches import ReadOnly
from trustpub.index.web.answers import NO_STORE, Discarding, JSONAnswer, accepted, problem_body
from trustpub.index.web.health import store_problem
from trustpub.printable import quoted
from trustpub.protocol.accept import problem_type
from trustpub.protocol.exchange import Problem
from trustpub.protocol.management.openapi import document
from trustpub.protocol.management.operation import BASE, DOCUMENT_PATH, LINES_TYPE, Operation
from trustpub.protocol.management.table import OPERATIONS
from trustpub.protocol.shapes import Shape, faults

_log = logging.getLogger("trustpub.index")

MAX_BODY_BYTES = 4 * 1024 * 1024
IDLE_SECONDS = 60.0
_MAX_QUERY_FIELDS = 20
_CHALLENGE = 'Bearer realm="trustpub"'
_HOW = f"this needs a token of scope '{MANAGE_SCOPE}', sent as: Authorization: Bearer TOKEN"


def is_api(path: str) -> bool:
    """Whether the management API is at ``path``, which looks at credentials itself."""
    return path.startswith(f"{BASE}/")


class _Refused(Exception):
    """The request is answered with a problem."""

    def __init__(self, problem: Problem, lines: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.lines = lines or (problem.detail,)
        self.hint = hint


class Management:
    """``/api/v1/…``"""

    def __init__(self, desk: Desk, credentials: Credentials, settings: Settings) -> None:
        self._desk = desk
        self._credentials = credentials
        self._settings = settings
        self._document = json.dumps(document(settings.public_url, __version__), indent=1).encode()

    def routes(self) -> list[BaseRoute]:
        """One for each address of the table, and the document about them."""
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS.values():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        return [
            Route(DOCUMENT_PATH, self._describe),
            *(Route(BASE + path, _AnyMethod(self._endpoint(found))) for path, found in by_path.items()),
        ]

    async def _describe(self, request: Request) -> Response:
        return Response(self._document, media_type="application/json")

    def _endpoint(self, operations: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response | ASGIApp]]:
        async def asked(request: Request) -> Response | ASGIApp:
            operation = operations.get("GET" if request.method == "HEAD" else request.method)
            try:
                if operation is None:
                    raise _Refused(_wrong_method())
                values = await self._values(operation, request)
                actor = await run_in_threadpool(self._actor, request.headers.get("authorization"))
                return await run_in_threadpool(self._do, operation, actor, values)
            except _Refused as refusal:
                answer = self._problem(refusal, request)
                if refusal.problem.status == 405:
                    answer.headers["Allow"] = ", ".join(sorted(operations))
                return Discarding(answer)

        return asked

    async def _values(self, operation: Operation, request: Request) -> Mapping[str, Any]:
        """Everything that was said, checked against the table."""
        said: dict[str, Any] = {name: request.path_params[name] for name in operation.parts}
        wrong = [f"{name}: is not text" for name, value in said.items() if not _is_text(value)]
        query, faulty = _query(operation, request)
        wrong += faulty
        if operation.body is not None:
            body = await _body(request)
            found = list(faults(body, operation.body, whole="the body"))
            wrong += found
            said |= {} if found else body
        if wrong:
            raise _Refused(_invalid("; ".join(wrong)), tuple(wrong))
        return {**query, **said}

    def _actor(self, authorization: str | None) -> Actor | None:
        """Who asks; None: nobody in particular."""
        if authorization is None:
            return None
        bearer = self._credentials.check_header(authorization)
        if isinstance(bearer, Problem):
            raise _Refused(_unauthorized(f"{_HOW}. That which was sent is refused: {bearer.detail}"))
        with self._desk.store.read() as reading:
            actor = actor_of(bearer, reading)
        if actor is None:
            raise _Refused(_not_allowed("a token that was minted for a job manages nothing"))
        return actor

    def _do(self, operation: Operation, actor: Actor | None, values: Mapping[str, Any]) -> Response:
        try:
            with ExitStack() as allowed:
                asked = allowed.enter_context(self._desk.act(operation, actor, values))
                answer = SERVED[operation.name](self._desk, asked)
                if operation.lines:
                    return StreamingResponse(_lines(answer), headers=NO_STORE, media_type=LINES_TYPE)
                return JSONAnswer(answer)
        except SignInFirst:
            raise _Refused(_unauthorized(_HOW)) from None
        except NotHere:
            raise _Refused(_not_here(operation, values)) from None
        except NotAllowed as no:
            raise _Refused(_not_allowed(_why_not(actor, no))) from None
        except ReadOnly as error:
            problem = Problem(status=503, code="read-only", title="The index is read-only", detail=error.message)
            raise _Refused(problem, hint=error.hint) from None
        except (Declined, Misuse) as error:
            told = _invalid if isinstance(error, Misuse) else _declined
            lines = tuple(error.message.splitlines())
            raise _Refused(told(" ".join(error.message.split())), lines, error.hint) from None
        except TrustpubError as error:  # of the store: the disk is full, the database locked
            _log.error("%s", error.message)
            raise _Refused(store_problem(error)) from None

    def _problem(self, refusal: _Refused, request: Request) -> Response:
        problem = refusal.problem
        body = {**problem_body(problem, request, self._settings.public_url), "lines": list(refusal.lines)}
        if refusal.hint:
            body["hint"] = refusal.hint
        answer = JSONAnswer(body, problem.status, problem_type(accepted(request)))
        answer.headers["Vary"] = "Accept"
        if problem.status == 401:
            answer.headers["WWW-Authenticate"] = _CHALLENGE
        if problem.retry_after is not None:
            answer.headers["Retry-After"] = str(problem.retry_after)
        return answer


class _AnyMethod:
    """An endpoint that sees to methods itself: those that it does not take are told which it does."""

    def __init__(self, endpoint: Callable[[Request], Awaitable[Response | ASGIApp]]) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._endpoint(Request(scope, receive))
        await answer(scope, receive, send)


def _lines(rows: Iterator[Any]) -> Iterator[bytes]:
    for one in rows:
        yield json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _query(operation: Operation, request: Request) -> tuple[dict[str, Any], list[str]]:
    """What the query says, and what is wrong with it. Names that are not known are: a filter that is misspelled and
    passed over would show too much.
    """
    try:
        pairs = parse_qsl(
            request.scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=_MAX_QUERY_FIELDS,
        )  # fmt: skip
    except ValueError:
        return {}, ["the query: cannot be read"]
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name, text in pairs:
        shape = operation.query.get(name)
        if shape is None or name in found:
            wrong.append(f"{quoted(name[:100])}: is {'not known here' if shape is None else 'there twice'}")
            continue
        found[name] = _typed(text, shape)
        wrong += faults(found[name], shape, name)
    wrong += [f"{name}: is missing" for name in operation.required if name not in found]
    return found, wrong


def _typed(text: str, shape: Shape) -> Any:
    """A whole number where that is wanted and it is one; else the text, with which the shape finds fault."""
    if shape["type"] == "integer" and text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20:
        return int(text)
    return text


async def _body(request: Request) -> Any:
    content = bytearray()
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    detail = f"The limit is {MAX_BODY_BYTES} bytes."
                    raise _Refused(Problem(status=413, code="too-large", title="Content too large", detail=detail))
    except TimeoutError:
        detail = f"Nothing was sent for {IDLE_SECONDS:.0f} seconds."
        raise _Refused(Problem(status=408, code="timeout", title="Request timeout", detail=detail)) from None
    try:
        value = json.loads(content.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Refused(_invalid("the body: is not JSON in UTF-8, or has a member twice")) from None
    if not _is_text(value):
        raise _Refused(_invalid("the body: has text that is not text, with half of a surrogate pair or a null in it"))
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _is_text(value: Any) -> bool:
    """Whether every text in it can be stored, and every number."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= 2**53
    if isinstance(value, list):
        return all(map(_is_text, value))
    if isinstance(value, dict):
        return all(_is_text(name) and _is_text(one) for name, one in value.items())
    return True


def _invalid(detail: str) -> Problem:
    return Problem(status=400, code="invalid-request", title="Invalid request", detail=detail)


def _declined(detail: str) -> Problem:
    return Problem(status=409, code="declined", title="Declined", detail=detail)


def _unauthorized(detail: str) -> Problem:
    return Problem(status=401, code="unauthorized", title="Authentication required", detail=detail)


def _not_allowed(detail: str) -> Problem:
    return Problem(status=403, code="not-allowed", title="Not allowed", detail=detail)


def _wrong_method() -> Problem:
    detail = "This address does not take this method."
    return Problem(status=405, code="method-not-allowed", title="Method Not Allowed", detail=detail)


def _not_here(operation: Operation, values: Mapping[str, Any]) -> Problem:
    """One answer for what is not there and for what is nobody else's business."""
    detail = "There is no such thing here, or none that this token may know of."
    if operation.parts == ("project",):
        # As beside the index: whoever asks cannot tell why it is so.
        detail = f"There is no project {quoted(values['project'])} here."
    return Problem(status=404, code="not-found", title="Not Found", detail=detail)


def _why_not(actor: Actor | None, no: NotAllowed) -> str:
    if actor is not None and actor.scope != MANAGE_SCOPE:
        return f"a token of scope '{actor.scope}' manages nothing; {_HOW}"
    if actor is not None and actor.projects is not None:
        return f"the token is for certain projects, and not for this, or its holder may not do it ({no.action})"
    return f"the holder of the token may see it, and may not do that to it ({no.action})"
