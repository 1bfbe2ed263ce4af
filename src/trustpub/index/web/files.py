# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Downloads: files and their core metadata, whole or in part (RFC 9110 section 14)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NoReturn

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trustpub.index.ports import Blobs, File
from trustpub.index.simple import Pages

CHUNK = 1024 * 1024
_METADATA = ".metadata"
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Accept-Ranges": "bytes"}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII)
_BINARY = "application/octet-stream"
"""Also for .tar.gz: with a more telling type, some clients and proxies would unpack it on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


class Files:
    """``/packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{filename}``, and ``.metadata`` behind it."""

    def __init__(self, pages: Pages, blobs: Blobs) -> None:
        self._pages = pages
        self._blobs = blobs

    async def get(self, request: Request) -> Response:
        """A file, if a row names it: what is only on the disk is not there."""
        digest = "".join(request.path_params[part] for part in ("one", "two", "rest"))
        name = request.path_params["filename"]
        if (len(request.path_params["one"]), len(request.path_params["two"]), len(digest)) != (2, 2, 64):
            _not_here()
        wanted = name.removesuffix(_METADATA)
        file = await run_in_threadpool(self._pages.file, digest, wanted)
        if file is None:
            _not_here()
        return await (self._metadata(request, file) if wanted != name else self._file(request, file))

    async def _metadata(self, request: Request, file: File) -> Response:
        content = None
        if file.metadata_sha256 is not None:
            content = await run_in_threadpool(self._blobs.metadata, file.blake2b_256, file.filename)
        if content is None:
            _not_here()
        headers = {**_FOREVER, "Accept-Ranges": "none", "ETag": f'"{file.metadata_sha256}"'}
        if is_unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(content, 200, headers, media_type=_BINARY)

    async def _file(self, request: Request, file: File) -> Response:
        etag = f'"{file.sha256}"'
        headers = {**_FOREVER, "ETag": etag}
        if is_unchanged(request, etag):
            return Response(status_code=304, headers=headers)
        path = await run_in_threadpool(self._blobs.open, file.blake2b_256, file.filename)
        if path is None:
            raise FileNotFoundError("a file that a row names is not there")
        span = _span(request, file.size, etag)
        if span is None:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
        headers["Content-Length"] = str(span.length)
        partial = span.length != file.size
        if partial:
            headers["Content-Range"] = f"bytes {span.first}-{span.last}/{file.size}"
        status = 206 if partial else 200
        if request.method == "HEAD":
            return Response(None, status, headers, media_type=_BINARY)
        return StreamingResponse(_read(path, span), status, headers, media_type=_BINARY)


def _not_here() -> NoReturn:
    raise HTTPException(404)


def is_unchanged(request: Request, *etags: str) -> bool:
    """Whether the client has one of these representations already (RFC 9110 section 13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    return "*" in known or not known.isdisjoint(etags)


def _span(request: Request, size: int, etag: str) -> Span | None:
    """Which bytes to send; None if those asked for are beyond the end. What is not understood means all of them."""
    everything = Span(first=0, last=size - 1)
    asked = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if request.method != "GET" or asked is None or request.headers.get("if-range", etag) != etag:
        return everything
    first, last = asked.groups()
    if not first:
        if not last:
            return everything
        return Span(first=max(0, size - int(last)), last=size - 1) if int(last) and size else None
    if last and int(last) < int(first):
        return everything
    if int(first) >= size:
        return None
    return Span(first=int(first), last=min(int(last), size - 1) if last else size - 1)


async def _read(path: str, span: Span) -> AsyncIterator[bytes]:
    left = span.length
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(span.first)
        while left > 0:
            chunk = await file.read(min(CHUNK, left))
            if not chunk:
                raise EOFError("a file is shorter than its row says")
            left -= len(chunk)
            yield chunk
