# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an index has already, read from its Simple API (PEP 503 and 691).

Nobody has to offer that. Then the index itself says what it thinks of a file that comes twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from trustpub.client.files import Distribution
from trustpub.client.indexes import Index
from trustpub.errors import Unreachable
from trustpub.http import ATTEMPTS, Http, Redirected
from trustpub.remote.listing import ACCEPT, MAX_PAGE_BYTES, read_listing


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
            headers={"Accept": ACCEPT, "Cache-Control": "max-age=0"},
            max_bytes=MAX_PAGE_BYTES,
            attempts=attempts,
        )
    except Redirected:
        return Page()  # to where the index sends those who ask for what it has not
    except Unreachable as error:
        return Page(unread=error.message.rstrip("."), failed=True)
    listing = read_listing(response)
    files = {name: hashes.get("sha256") for name, hashes in listing.files.items()}
    return Page(files=files, unread=listing.unread, failed=listing.failed)


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
