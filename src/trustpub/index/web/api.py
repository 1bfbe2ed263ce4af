# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The exchange and the upload over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from urllib.parse import parse_qsl

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from trustpub.errors import TrustpubError
from trustpub.index.arrival import Arrival, EarlyRefusal, TooLarge
from trustpub.index.credentials import Bearer
from trustpub.index.gateway.handing import Unnoted
from trustpub.index.metering import UNMETERED, Meter
from trustpub.index.mint import Mint
from trustpub.index.settings import Settings
from trustpub.index.upload import Accepted, Upload
from trustpub.index.web.answers import (
    NO_STORE,
    Discarding,
    JSONAnswer,
    exchange_answer,
    problem_answer,
    redirect,
    upload_problem,
)
from trustpub.index.web.form import MAX_FIELDS_BYTES, BadForm, FormReader
from trustpub.index.web.health import store_problem
from trustpub.index.web.rounds import Rounds
from trustpub.index.web.where import where
from trustpub.protocol.discovery import UPLOAD_KEYS, BadQuery, asked_key, offer
from trustpub.protocol.exchange import Minted, Problem
from trustpub.protocol.upload import UPLOAD_PATH

_log = logging.getLogger("trustpub.index")

MAX_EXCHANGE_BYTES = 64 * 1024
BATCH_BYTES = 2 * 1024 * 1024
"""What one upload keeps in memory before a thread takes it on."""
IDLE_SECONDS = 60.0
"""How long a client may send nothing."""
SLOWEST = 1024
"""Bytes a second that an upload must have on average, from :data:`IDLE_SECONDS` on."""

MOST_WAITING = 32
"""Uploads that wait for the index behind a gateway at a time; more wait for these."""

_TOO_LARGE = Problem(
    status=413, code="too-large", title="Content too large", detail=f"The limit is {MAX_EXCHANGE_BYTES} bytes."
)
_IDLE = Problem(
    status=408, code="timeout", title="Request timeout", detail=f"Nothing was sent for {IDLE_SECONDS:.0f} seconds."
)
_SLOW = Problem(
    status=408,
    code="timeout",
    title="Request timeout",
    detail=f"The body came too slowly: an upload may pause for {IDLE_SECONDS:.0f} seconds, and must have on average "
    f"{SLOWEST} bytes a second.",
)
_UNKNOWN_UPLOAD_URL = Problem(
    status=404,
    code="unknown-upload-url",
    title="Discovery failed",
    detail=f"Nothing can be uploaded at that path; this index takes uploads at {UPLOAD_PATH}.",
)


class Exchange:
    """``/.well-known/pytp``, ``/_/oidc/…``, ``/api/v1/preflight``"""

    def __init__(self, mint: Mint, settings: Settings, meter: Meter = UNMETERED) -> None:
        self._mint = mint
        self._rounds = Rounds(mint.mint_together, meter.queued)
        self._settings = settings

    async def discover(self, request: Request) -> Response:
        """Where the exchange for an upload URL is (PEP 807)."""
        try:
            key = asked_key(request.scope["query_string"])
        except BadQuery as fault:
            problem = Problem(status=400, code="invalid-query", title="Discovery failed", detail=str(fault))
            return problem_answer(problem, request)
        if key not in UPLOAD_KEYS:
            return problem_answer(_UNKNOWN_UPLOAD_URL, request)
        offered = offer(self._settings.public_url, sigstore=self._settings.trust_config is not None)
        return exchange_answer(offered.body(), request)

    async def audience(self, request: Request) -> Response:
        """What identity tokens for this index say in ``aud``."""
        return exchange_answer({"audience": self._settings.audience}, request)

    async def mint(self, request: Request) -> Response | ASGIApp:
        """An identity token in, an upload token out."""
        body = await _small_body(request)
        if isinstance(body, Problem):
            return Discarding(problem_answer(body, request))
        minted = await self._rounds.ask((body, _peer(request)))
        if minted is None:
            minted = await run_in_threadpool(self._mint.mint, body, _peer(request))
        if isinstance(minted, Minted):
            return exchange_answer(minted.body(), request)
        return problem_answer(minted, request)

    async def preflight(self, request: Request) -> Response | ASGIApp:
        """What :meth:`mint` would say. Nothing is given out or used up."""
        body = await _small_body(request)
        if isinstance(body, Problem):
            return Discarding(problem_answer(body, request))
        found = await run_in_threadpool(self._mint.preflight, body, _peer(request))
        if isinstance(found, Problem):
            return problem_answer(found, request)
        return exchange_answer(found.body(), request)

    async def burn(self, request: Request) -> Response | ASGIApp:
        """The end of a token. Says the same whether there was one, and needs no ``Accept`` to be right."""
        body = await _small_body(request)
        if isinstance(body, Problem):
            return Discarding(problem_answer(body, request))
        problem = await run_in_threadpool(self._mint.burn, body)
        if problem is not None:
            return problem_answer(problem, request)
        return JSONAnswer({"message": "Accepted"}, 202)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


async def _small_body(request: Request) -> bytes | Problem:
    body = bytearray()
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_EXCHANGE_BYTES:
                    return _TOO_LARGE
    except TimeoutError:
        return _IDLE
    return bytes(body)


class Uploads:
    """``/legacy/``"""

    def __init__(self, upload: Upload, settings: Settings) -> None:
        self._upload = upload
        self._settings = settings
        self._waiting: anyio.CapacityLimiter | None = None

    def _limiter(self) -> anyio.CapacityLimiter | None:
        """Of threads that wait for the index behind a gateway: however slow that is, all else has others."""
        if self._waiting is None and self._upload.waits_for_another:
            self._waiting = anyio.CapacityLimiter(MOST_WAITING)
        return self._waiting

    async def slashless(self, request: Request) -> Response:
        """To the place with a slash, absolute: some clients follow nothing else, and twine follows nothing at all."""
        response = redirect(self._settings.public_url, UPLOAD_PATH, request, 308)
        response.body = f"Upload to {self._settings.public_url}{UPLOAD_PATH} (mind the slash at the end).\n".encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response

    async def post(self, request: Request) -> Response | ASGIApp:
        """An upload. The credential is judged before a byte of the body is read."""
        bearer = await run_in_threadpool(self._upload.admit, request.headers.get("authorization"))
        if isinstance(bearer, Problem):
            return Discarding(upload_problem(bearer, request))
        if self._too_large(request):
            return Discarding(upload_problem(self._upload.too_large(), request))
        result = await self._receive(request, bearer)
        if isinstance(result, Problem):
            return Discarding(upload_problem(result, request))
        return Response(b"", 200, {**NO_STORE, "Vary": "Authorization"}, media_type="text/plain")

    def _too_large(self, request: Request) -> bool:
        length = request.headers.get("content-length", "")
        most = self._settings.max_file_bytes + 2 * MAX_FIELDS_BYTES
        return length.isascii() and length.isdecimal() and (len(length) > 18 or int(length) > most)

    async def _receive(self, request: Request, bearer: Bearer) -> Accepted | Problem:
        arrival = self._upload.begin(bearer)
        try:
            form = FormReader(request.headers.get("content-type"), arrival)
            if not await _feed(request, form):
                return _SLOW
            fields = [*_in_query(request, form.fields), *form.fields]
            accept = partial(self._upload.accept, bearer, fields, form.filename, arrival)
            return await anyio.to_thread.run_sync(accept, limiter=self._limiter())
        except EarlyRefusal as early:
            return early.problem
        except BadForm as bad:
            return Problem(status=400, code="invalid-form", title="Upload refused", detail=str(bad))
        except TooLarge:
            return self._upload.too_large()
        except Unnoted as unnoted:
            cause = unnoted.__cause__
            why = cause.message if isinstance(cause, TrustpubError) else where(cause or unnoted)
            _log.error("a file is at the index behind this one, and has no row here: %s", why)
            return unnoted.problem
        except TrustpubError as error:  # of the store: the disk is full, the database locked
            _log.error("an upload failed: %s", error.message)
            return store_problem(error, "Upload refused")
        finally:
            await _close(arrival)


def _in_query(request: Request, fields: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the legacy API also takes from the URL (PEP 694 describes it so), unless the form says the same."""
    try:
        pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), max_num_fields=10)
    except ValueError:
        return []
    return [pair for pair in pairs if pair[0] in (":action", "protocol_version") and pair not in fields]


async def _feed(request: Request, form: FormReader) -> bool:
    """Pass the body on, a batch at a time: what a thread has not taken is not asked for. False if it comes too slowly.

    A client may be slow, but not without end: it holds a connection and a file.
    """
    clock = asyncio.get_running_loop().time
    patience = clock() + IDLE_SECONDS
    received, more = 0, True
    limit = asyncio.timeout(None)
    try:
        async with limit:
            while more:
                batch: list[bytes] = []
                held = 0
                while more and held < BATCH_BYTES:
                    limit.reschedule(min(clock() + IDLE_SECONDS, patience + received / SLOWEST))
                    chunk, more = await _next(request)
                    batch.append(chunk)  # not joined: it is copied nowhere
                    held += len(chunk)
                    received += len(chunk)
                limit.reschedule(None)
                await run_in_threadpool(_take, form, batch)
    except TimeoutError:
        if limit.expired():
            return False
        raise
    form.finish()
    return True


async def _next(request: Request) -> tuple[bytes, bool]:
    """A piece of the body, and whether there is more of it."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _take(form: FormReader, batch: Sequence[bytes]) -> None:
    for chunk in batch:
        form.feed(chunk)


async def _close(arrival: Arrival) -> None:
    # Also when the request is cancelled: the staged file must go.
    with anyio.CancelScope(shield=True):
        await run_in_threadpool(arrival.close)
