# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Downloads: files and their core metadata, whole or in part (RFC 9110 section 14).

Small files are read at once, in the thread that finds them. Of larger ones the kernel sends the bytes by itself, where
the server can ask it to (:mod:`trustpub.index.web.sendfile`); elsewhere they go through memory, a mebibyte at a time.
What is kept on another machine goes through memory too, or whoever asks is sent there with a link.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from trustpub.index.kept import File
from trustpub.index.ports import Blobs, Distant
from trustpub.index.simple import Pages
from trustpub.index.web.asked import Asked, Headers, has_already, not_here
from trustpub.index.web.pages import send_page
from trustpub.index.web.ranges import Span, spans
from trustpub.index.web.sendfile import EXTENSION

CHUNK = 1024 * 1024
SMALL = 256 * 1024
"""Up to this many bytes are read at once."""

_METADATA = ".metadata"
_BINARY = b"application/octet-stream"
"""Also for .tar.gz: with a more telling type, some clients and proxies would unpack it on the way."""
_FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")
_METADATA_HEADERS = [_FOREVER, (b"vary", b"Accept-Encoding"), (b"accept-ranges", b"none")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What to send: bytes that are there, and spans of an open file, in turn."""

    parts: Sequence[bytes | Span]
    descriptor: int | None = None
    """The open file; None if there is no span among the parts, or it is elsewhere."""
    distant: Distant | None = None
    """The file, where it is kept on another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Headers
    body: _Parts


class Files:
    """``/packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{filename}``, and ``.metadata`` behind it."""

    def __init__(self, pages: Pages, blobs: Blobs) -> None:
        self._pages = pages
        self._blobs = blobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file, if a row names it: what is only on the disk is not there."""
        parts = scope["path"].split("/")[2:]
        digest, name = "".join(parts[:3]), parts[-1]
        if [len(part) for part in parts[:3]] != [2, 2, 60] or len(parts) != 4:
            await not_here(scope)(scope, receive, send)
            return
        asked = Asked(scope["headers"])
        if name.endswith(_METADATA):
            await self._metadata(digest, name.removesuffix(_METADATA), asked, scope, receive, send)
            return
        answer = await run_in_threadpool(self._answer, digest, name, asked, scope["method"])
        if answer is None:
            await not_here(scope)(scope, receive, send)
            return
        by_kernel = answer.body.descriptor is not None and EXTENSION in scope.get("extensions", {})
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        try:
            if answer.body.distant is not None:
                await _send_distant(answer.body.distant, answer.body.parts, start, send)
                return
            await send({**start, EXTENSION: True} if by_kernel else start)
            await _send_parts(answer.body, by_kernel, send)
        finally:
            if answer.body.descriptor is not None:
                os.close(answer.body.descriptor)

    async def _metadata(self, digest: str, name: str, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._pages.at_hand("metadata", digest, name)
        if page is None:
            page = await run_in_threadpool(self._pages.metadata, digest, name)
        if page is None:
            await not_here(scope)(scope, receive, send)
            return
        await send_page(page, asked, _METADATA_HEADERS, scope, send)

    def _answer(self, digest: str, name: str, asked: Asked, method: str) -> _Answer | None:
        file = self._pages.file(digest, name)
        if file is None:
            return None
        etag = f'"{file.sha256}"'
        headers: Headers = [
            (b"content-type", _BINARY),
            (b"etag", etag.encode()),
            _FOREVER,
            (b"accept-ranges", b"bytes"),
        ]
        if has_already(asked.unless, etag):
            return _Answer(status=304, headers=headers[1:], body=_Parts(parts=()))
        place = self._blobs.open(file.blake2b_256, file.filename) if method == "GET" else None
        if place is not None and not isinstance(place, str) and (link := place.link()) is not None:
            return _elsewhere(link)
        # A range is for GET alone, and for the very file of which the client has the rest.
        wanted = method == "GET" and asked.if_range in (None, etag.encode())
        found = spans(asked.range if wanted else None, file.size)
        if found is not None and not found:
            beyond = [(b"content-range", b"bytes */%d" % file.size), (b"content-length", b"0")]
            return _Answer(status=416, headers=headers[1:] + beyond, body=_Parts(parts=()))
        parts = _whole(file) if found is None else _ranged(file, found, headers)
        length = sum(part.length if isinstance(part, Span) else len(part) for part in parts)
        headers.append((b"content-length", b"%d" % length))
        body = _Parts(parts=()) if method == "HEAD" else _opened(file, parts, place)
        return _Answer(status=200 if found is None else 206, headers=headers, body=body)


def _opened(file: File, parts: Sequence[bytes | Span], place: str | Distant | None) -> _Parts:
    if place is None:
        raise FileNotFoundError("a file that a row names is not there")
    if not isinstance(place, str):
        return _Parts(parts=parts, distant=place)
    descriptor = os.open(place, os.O_RDONLY)
    try:
        if os.fstat(descriptor).st_size != file.size:
            raise EOFError("a file is not as long as its row says")
        if sum(part.length for part in parts if isinstance(part, Span)) > SMALL:
            if hasattr(os, "posix_fadvise"):  # not on macOS
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            kept, descriptor = descriptor, -1
            return _Parts(parts=parts, descriptor=kept)
        read = [os.pread(descriptor, one.length, one.first) if isinstance(one, Span) else one for one in parts]
        return _Parts(parts=[b"".join(read)])
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _elsewhere(link: str) -> _Answer:
    """The way to a file on another machine: for who asked alone, and for now."""
    headers = [(b"location", link.encode()), (b"cache-control", b"no-store"), (b"content-length", b"0")]
    return _Answer(status=302, headers=headers, body=_Parts(parts=()))


def _whole(file: File) -> list[bytes | Span]:
    return [Span(first=0, last=file.size - 1)]


def _ranged(file: File, found: Sequence[Span], headers: Headers) -> list[bytes | Span]:
    """The parts of a partial answer; its ``headers`` are completed."""
    if len(found) == 1:
        headers.append((b"content-range", _content_range(found[0], file.size)))
        return list(found)
    # A boundary that the file cannot hold, for it is made of its digest.
    boundary = f"trustpub-{file.sha256[:40]}".encode()
    headers[0] = (b"content-type", b"multipart/byteranges; boundary=" + boundary)
    parts: list[bytes | Span] = []
    for span in found:
        head = (b"content-type: " + _BINARY, b"content-range: " + _content_range(span, file.size))
        parts += [b"\r\n--" + boundary + b"\r\n" + b"\r\n".join(head) + b"\r\n\r\n", span]
    return [*parts, b"\r\n--" + boundary + b"--\r\n"]


def _content_range(span: Span, size: int) -> bytes:
    return b"bytes %d-%d/%d" % (span.first, span.last, size)


async def _send_parts(body: _Parts, by_kernel: bool, send: Send) -> None:
    before = b""
    for part in body.parts:
        if isinstance(part, bytes):
            before += part
        elif by_kernel:
            where = {"descriptor": body.descriptor, "offset": part.first, "count": part.length}
            await send({"type": EXTENSION, "before": before, "more_body": True, **where})
            before = b""
        else:
            await _send_read(body.descriptor or 0, part, before, send)
            before = b""
    await send({"type": "http.response.body", "body": before})


async def _send_read(descriptor: int, span: Span, before: bytes, send: Send) -> None:
    offset = span.first
    while offset <= span.last:
        chunk = await run_in_threadpool(os.pread, descriptor, min(CHUNK, span.last + 1 - offset), offset)
        if not chunk:
            raise EOFError("a file is shorter than its row says")
        offset += len(chunk)
        await send({"type": "http.response.body", "body": before + chunk, "more_body": True})
        before = b""


async def _send_distant(distant: Distant, parts: Sequence[bytes | Span], start: Message, send: Send) -> None:
    """The answer begins once its first bytes are here: until then it can be that they cannot be had now."""
    started = False
    async with aclosing(_pieces(distant, parts)) as pieces:
        async for piece in pieces:
            if not started:
                await send(start)
                started = True
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    if not started:
        await send(start)
    await send({"type": "http.response.body", "body": b""})


async def _pieces(distant: Distant, parts: Sequence[bytes | Span]) -> AsyncGenerator[bytes, None]:
    before = b""
    for part in parts:
        if isinstance(part, bytes):
            before += part
            continue
        async for piece in distant.stream(part.first, part.last):
            yield before + piece
            before = b""
    if before:
        yield before
