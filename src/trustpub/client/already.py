# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an index has already, read from its Simple API (PEP 503 and 691).

Nobody has to offer that: a private index shows nothing without a token, another has no page for what it has no file
of. Then the index itself says what it thinks of a file that comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote, urlsplit

from trustpub.client.files import Distribution
from trustpub.client.indexes import Index
from trustpub.errors import Unreachable
from trustpub.http import ATTEMPTS, Http, Redirected, Response
from trustpub.protocol.exchange import BadBody, read_object

MAX_PAGE_BYTES = 64 * 1024 * 1024
"""The pages of projects with many thousands of files have some ten megabytes."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_PAGES = frozenset({"text/html", "application/vnd.pypi.simple.v1+html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an index lists for a project."""

    files: Mapping[str, str | None] = field(default_factory=dict)
    """SHA-256 in hex by file name; None where the page does not say it."""
    unread: str | None = None
    """Why nothing is known, as a clause ("its page needs a token"); None where the page was read, or there is
    none."""
    failed: bool = False
    """Whether that is because the index failed, and not how it is meant to be."""


def page_url(index: Index, project: str) -> str:
    """Where ``index`` lists the files of ``project`` (in normal form)."""
    simple = index.simple_url or f"{index.origin}/simple/"
    return f"{simple.rstrip('/')}/{project}/"


def look(http: Http, index: Index, project: str, *, attempts: int = ATTEMPTS) -> Page:
    """The page of ``project`` (in normal form). Never fails: not to know is an answer."""
    try:
        response = http.request(
            "GET",
            page_url(index, project),
            headers={"Accept": _ACCEPT, "Cache-Control": "max-age=0"},
            max_bytes=MAX_PAGE_BYTES,
            attempts=attempts,
        )
    except Redirected:
        return Page()  # to where the index sends those who ask for what it has not
    except Unreachable as error:
        return Page(unread=error.message.rstrip("."), failed=True)
    return _page(response)


class Presence(Enum):
    """Whether an index has a very file."""

    THERE = "there"
    ABSENT = "absent"
    UNKNOWABLE = "unknowable"
    """It does not say, or has another one of this name."""
    FAILED = "failed"
    """It cannot be asked now."""


def presence(http: Http, index: Index, distribution: Distribution) -> Presence:
    """Whether ``index`` has ``distribution``, which is hashed, at this moment. Asks once."""
    page = look(http, index, distribution.project, attempts=1)
    if page.failed:
        return Presence.FAILED
    if page.unread is not None:
        return Presence.UNKNOWABLE
    if distribution.filename not in page.files:
        return Presence.ABSENT
    same = page.files[distribution.filename] == distribution.submission.sha256
    return Presence.THERE if same else Presence.UNKNOWABLE


def _page(response: Response) -> Page:
    if response.status in (404, 410):
        return Page()
    if response.status in (401, 403):
        return Page(unread="its pages need a token")
    if response.status != 200:
        return Page(
            unread=f"its page answers {response.status}", failed=response.status >= 500 or response.status == 429
        )
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        return Page(files=_of_html(response.body) if kind in _PAGES else _of_json(response.body))
    except BadBody:
        return Page(unread="its page is neither JSON nor HTML of the Simple API")


def _of_json(body: bytes) -> dict[str, str | None]:
    listed = read_object(body).get("files")
    if not isinstance(listed, list):
        raise BadBody("files: is not a list")
    files: dict[str, str | None] = {}
    for one in listed:
        if isinstance(one, dict) and isinstance(one.get("filename"), str):
            hashes = one.get("hashes")
            files[one["filename"]] = _sha256(hashes.get("sha256")) if isinstance(hashes, dict) else None
    return files


def _of_html(body: bytes) -> dict[str, str | None]:
    from trustpub.client.anchors import hrefs

    files: dict[str, str | None] = {}
    for href in hrefs(body.decode("utf-8", "replace")):
        try:
            parts = urlsplit(href)
        except ValueError:
            continue
        filename = unquote(parts.path.rpartition("/")[2])  # which is the file's name (PEP 503)
        if filename:
            name, _, value = parts.fragment.partition("=")
            files[filename] = _sha256(value) if name == "sha256" else None
    return files


def _sha256(value: object) -> str | None:
    text = value.lower() if isinstance(value, str) else ""
    return text if _SHA256.match(text) else None
