# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The stylesheets: a closed set of files that come with the package, each named with the hash of what is in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from trustpub.index.web.asked import is_unchanged

STATIC_PATH = "/static/"
_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    media_type: str
    digest: str


@lru_cache(maxsize=1)
def static_files() -> dict[str, StaticFile]:
    """By name."""
    return {
        path.name: StaticFile(
            content=(content := path.read_bytes()),
            media_type=_TYPES[path.suffix],
            digest=hashlib.sha256(content).hexdigest()[:16],
        )
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }


def static(name: str) -> str:
    """Where the file is; for templates. A name that is none is a mistake of ours: KeyError."""
    return f"{STATIC_PATH}{name}?v={static_files()[name].digest}"


def static_answer(request: Request) -> Response:
    """The file that is asked for, or 404."""
    file = static_files().get(request.path_params["name"])
    if file is None:
        return Response("There is nothing here.\n", 404, media_type="text/plain")
    etag = f'"{file.digest}"'
    exact = request.query_params.get("v") == file.digest
    headers = {"ETag": etag, "Cache-Control": _FOR_EVER if exact else _ASK_AGAIN}
    if is_unchanged(request, etag):
        return Response(b"", 304, headers)
    return Response(file.content, 200, headers, media_type=file.media_type)
