# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where files come from: ``/integrity/{project}/{version}/{filename}/provenance``, as PyPI's Integrity API; and the
Sigstore instance that says so, where this index names one.
"""

from __future__ import annotations

import hashlib

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trustpub.index.attested import ALL, PROVENANCE_TYPE, Attested
from trustpub.index.settings import Settings
from trustpub.index.web.answers import accepted, problem_answer
from trustpub.index.web.asked import is_unchanged
from trustpub.index.web.gate import ONLY
from trustpub.packages.names import normalize
from trustpub.protocol.accept import JSON_TYPE
from trustpub.protocol.exchange import Problem
from trustpub.protocol.quality import media_quality

_TYPES = (PROVENANCE_TYPE, JSON_TYPE)
_SECONDS = 600
"""How long it may be kept: there may come more to it."""
_UNREADABLE = Problem(
    status=406,
    code="not-acceptable",
    title="Not acceptable",
    detail=f"This address answers with {PROVENANCE_TYPE} or {JSON_TYPE}; Accept allows neither.",
)


class Integrity:
    """Provenance documents (PEP 740), and with whom to sign."""

    def __init__(self, attested: Attested, settings: Settings) -> None:
        self._attested = attested
        self._trust_config = settings.trust_config
        scope = "private" if settings.private else "public"
        self._headers = {"Cache-Control": f"{scope}, max-age={_SECONDS}", "Vary": "Accept"}

    async def instance(self, request: Request) -> Response:
        """The trust configuration of the Sigstore instance that attestations are wanted from."""
        if self._trust_config is None:
            raise HTTPException(404)
        return Response(self._trust_config, 200, {"Cache-Control": "no-cache"}, media_type=JSON_TYPE)

    async def get(self, request: Request) -> Response:
        """The document of one file; ``?all`` shows publishers of every kind, with issuer and ids."""
        accept = accepted(request) or ""
        media_type = max(_TYPES, key=lambda one: media_quality(one, accept))
        if media_quality(media_type, accept) <= 0:
            return problem_answer(_UNREADABLE, request)
        project, version, filename = (request.path_params[name] for name in ("project", "version", "filename"))
        only = request.scope.get(ONLY)
        if only is not None and normalize(project) not in only:
            raise HTTPException(404)
        everything = ALL in request.query_params
        body = await run_in_threadpool(self._attested.document, project, version, filename, everything=everything)
        if body is None:
            raise HTTPException(404)
        headers = {**self._headers, "ETag": f'"{hashlib.sha256(media_type.encode() + body).hexdigest()[:32]}"'}
        if is_unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, media_type=media_type)
