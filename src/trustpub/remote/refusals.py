# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an index says when it says no, in whichever dialect, as sentences that are safe wherever they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from trustpub.http import Response
from trustpub.printable import inert
from trustpub.protocol.exchange import Refusal, read_refusal
from trustpub.trust.mismatch import Mismatch

MAX_REASON_CHARACTERS = 600

_THERE = frozenset({"already exist", "updating asset", "cannot be updated", "already been taken", "overwrite artifact"})
"""With such words indexes say that a file of the name is there, if they do not say 409."""


def refusal(response: Response) -> Refusal:
    """The refusal in ``response``: its JSON, else its text, else its reason phrase; made inert."""
    read = read_refusal(response.status, response.body)
    reasons = [(inert(code, 100), inert(said, MAX_REASON_CHARACTERS)) for code, said in read.reasons]
    mismatches = [
        Mismatch(field=inert(one.field, 100), given=_shown(one.given), wanted=_shown(one.wanted))
        for one in read.mismatches
    ]
    if not reasons:
        said = _phrase(response) or _text(response)
        reasons = [("", said)] if said else []
    return Refusal(status=response.status, reasons=reasons, mismatches=mismatches)


def sentences(no: Refusal) -> list[str]:
    """One line per reason and per field that differs; one that says so if there is no reason at all."""
    lines = [f"{code}: {said}" if code and said else code or said for code, said in no.reasons]
    for one in no.mismatches:
        given = "has none" if one.given is None else f"says {one.given}"
        wanted = "something else" if one.wanted is None else one.wanted
        lines.append(f"{one.field}: the identity {given}, the publisher wants {wanted}")
    return lines or ["No reason is given."]


def says_there(no: Refusal, phrase: str) -> bool:
    """Whether the refusal of an upload, with its reason ``phrase``, says that a file of this name is there already."""
    said = " ".join([phrase, *(word for reason in no.reasons for word in reason)]).lower()
    return no.status == 409 or (no.status in (400, 403) and any(words in said for words in _THERE))


def without(secrets: Iterable[str], response: Response) -> Response:
    """``response`` without any of ``secrets``, which an index may well repeat to whoever reads a log."""
    said, reason = response.body, response.reason
    for text in filter(None, secrets):
        said, reason = said.replace(text.encode(), b"***"), reason.replace(text, "***")
    return replace(response, body=said, reason=reason)


def told(what: str, response: Response) -> str:
    """``what`` happened, the status, and below it the sentences of the refusal in ``response``."""
    return "\n".join([f"{what} ({response.status}):", *(f"  {line}" for line in sentences(refusal(response)))])


def _shown(value: str | None) -> str | None:
    return None if value is None else inert(value, 200)


def _phrase(response: Response) -> str:
    """The reason phrase, if it says more than the status does. PyPI puts its reasons there."""
    import http

    try:
        usual = http.HTTPStatus(response.status).phrase
    except ValueError:
        usual = ""
    # http.client reads headers as Latin-1.
    said = inert(response.reason, MAX_REASON_CHARACTERS)
    return "" if said.lower() == usual.lower() else said


def _text(response: Response) -> str:
    text = response.body[:65536].decode("utf-8", "replace")
    if "html" in response.headers.get("content-type", "") or re.match(r"\s*<(!doctype|html)", text, re.IGNORECASE):
        from trustpub.remote.markup import seen  # few indexes answer in HTML, and nobody waits for its parser

        text = seen(text)
    return inert(text, MAX_REASON_CHARACTERS)
