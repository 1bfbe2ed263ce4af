# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which media type an answer of the exchange has: PEP 807's rules, read so that the clients there are get through."""

from __future__ import annotations

from functools import lru_cache

from trustpub.protocol.exchange import PROBLEM_TYPE
from trustpub.protocol.quality import media_quality

PYTP_TYPE = "application/vnd.pypi.pytp.v1+json"
JSON_TYPE = "application/json"


def answer_type(accept: str | None) -> str | None:
    """The type of an answer that is no refusal; None if nothing of what is asked for can be had (406).

    PEP 807 wants 406 for everything but its own type, which would shut out every client that says ``*/*``. So any
    range that JSON falls into will do. Its own type is sent to who names it, and to who sends no header at all.
    """
    return _answer_type(accept) if accept and accept.strip() else PYTP_TYPE


@lru_cache(maxsize=64)
def _answer_type(accept: str) -> str | None:
    plain, named = media_quality(JSON_TYPE, accept), media_quality(PYTP_TYPE, accept)
    if named > 0 and named >= plain and (PYTP_TYPE in accept.lower() or not plain):
        return PYTP_TYPE
    return JSON_TYPE if plain > 0 else None


def problem_type(accept: str | None) -> str:
    """The type of a refusal: RFC 9457's, except for who asks for plain JSON by name and not for that.

    The body is the same; nobody is refused a reason because of a header.
    """
    asked = (accept or "").lower()
    return JSON_TYPE if JSON_TYPE in asked and PROBLEM_TYPE not in asked and PYTP_TYPE not in asked else PROBLEM_TYPE
