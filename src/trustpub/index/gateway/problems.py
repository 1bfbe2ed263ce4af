# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an upload is told of the index behind this one. Each says where the file is, and whether to send it again."""

from __future__ import annotations

from trustpub.index.ports import Sent
from trustpub.protocol.exchange import Problem

RETRY_SECONDS = 5
UNDER_WAY_SECONDS = 30
_TITLE = "Upload refused"


def unavailable(upstream: str, said: str, retry_after: int | None = None) -> Problem:
    """It has not got the file, and may take it later."""
    detail = f"The index behind this one, {upstream}, takes nothing now, and has not got the file: {_end(said)}"
    return Problem(
        status=503, code="upstream-unavailable", title=_TITLE, detail=detail, retry_after=retry_after or RETRY_SECONDS
    )


def unknown(upstream: str, said: str) -> Problem:
    """It may have the file, or not."""
    detail = (
        f"The index behind this one, {upstream}, was sent the file, and it is not known whether it took it: "
        f"{_end(said)} Send the same file again: if it is there, that is found out."
    )
    return Problem(
        status=502, code="upstream-unknown", title="Upload uncertain", detail=detail, retry_after=RETRY_SECONDS
    )


def unnoted(upstream: str, said: str) -> Problem:
    """It has the file; what failed is here."""
    detail = (
        f"The index behind this one, {upstream}, HAS TAKEN the file, and it can be installed from there; but it could "
        f"not be noted here: {_end(said)} Send the same file again: that completes it, and sends nothing twice."
    )
    return Problem(
        status=502, code="upstream-took-it", title="Upload half done", detail=detail, retry_after=RETRY_SECONDS
    )


def refused(upstream: str, sent: Sent) -> Problem:
    """It does not want the file."""
    detail = f"The index behind this one, {upstream}, does not take the file: {_end(sent.said)}"
    return Problem(status=400, code="upstream-refused", title=_TITLE, detail=detail)


def barred(upstream: str, sent: Sent) -> Problem:
    """It does not want this index to upload."""
    detail = (
        f"The index behind this one, {upstream}, lets this one upload nothing, or not at that address, which is for "
        f"the administrator to mend: {_end(sent.said)} It has not got the file."
    )
    return Problem(status=502, code="upstream-barred", title=_TITLE, detail=detail)


def exists(upstream: str, filename: str, said: str = "") -> Problem:
    """It has another file of this name, or one that it does not tell from this."""
    # twine's --skip-existing and its like look for these words in a 400.
    told = f" It says: {_end(said)}" if said else ""
    detail = (
        f"File already exists ({filename!r}, at the index behind this one, {upstream}, with another content).{told}"
    )
    if said:
        detail = f"File already exists ({filename!r}, at the index behind this one, {upstream}).{told}"
    return Problem(status=400, code="file-exists", title=_TITLE, detail=detail)


def under_way(filename: str, seconds: int) -> Problem:
    """Another upload comes first."""
    detail = (
        f"Another file {filename!r}, with another content, is on its way to the index behind this one, and its end is "
        "not known yet."
    )
    return Problem(
        status=503,
        code="upload-under-way",
        title=_TITLE,
        detail=detail,
        retry_after=max(1, min(seconds, UNDER_WAY_SECONDS)),
    )


def _end(said: str) -> str:
    text = said.strip() or "it gives no reason"
    return text if text.endswith((".", "!", "?")) else f"{text}."
