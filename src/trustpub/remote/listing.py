# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What another index lists for a project, read from its Simple API (PEP 503 and 691).

Nobody has to offer that: a private index shows nothing without a token, another has no page for what it has no file
of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from trustpub.http import Response
from trustpub.protocol.exchange import BadBody, read_object

MAX_PAGE_BYTES = 64 * 1024 * 1024
"""The pages of projects with many thousands of files have some ten megabytes."""

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Digits of what a page may say of a file; other digests are passed over."""
_HEX = re.compile(r"[0-9a-f]+\Z")
_PAGES = frozenset({"text/html", "application/vnd.pypi.simple.v1+html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What an index lists for a project."""

    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Digests in hex, by algorithm as :mod:`hashlib` names it, by file name; none where the page does not say any."""
    unread: str | None = None
    """Why nothing is known, as a clause ("its page needs a token"); None where the page was read, or there is
    none."""
    failed: bool = False
    """Whether that is because the index failed, and not how it is meant to be."""


def read_listing(response: Response) -> Listing:
    """The page of a project, as it was answered. Never fails: not to know is an answer."""
    if response.status in (404, 410):
        return Listing()
    if response.status in (401, 403):
        return Listing(unread="its pages need a token")
    if response.status != 200:
        failed = response.status >= 500 or response.status == 429
        return Listing(unread=f"its page answers {response.status}", failed=failed)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        return Listing(files=_of_html(response.body) if kind in _PAGES else _of_json(response.body))
    except BadBody:
        return Listing(unread="its page is neither JSON nor HTML of the Simple API")


def _of_json(body: bytes) -> dict[str, Mapping[str, str]]:
    listed = read_object(body).get("files")
    if not isinstance(listed, list):
        raise BadBody("files: is not a list")
    files: dict[str, Mapping[str, str]] = {}
    for one in listed:
        if isinstance(one, dict) and isinstance(one.get("filename"), str):
            hashes = one.get("hashes")
            files[one["filename"]] = _known(hashes if isinstance(hashes, dict) else {})
    return files


def _of_html(body: bytes) -> dict[str, Mapping[str, str]]:
    from trustpub.remote.anchors import hrefs

    files: dict[str, Mapping[str, str]] = {}
    for href in hrefs(body.decode("utf-8", "replace")):
        try:
            parts = urlsplit(href)
        except ValueError:
            continue
        filename = unquote(parts.path.rpartition("/")[2])  # which is the file's name (PEP 503)
        if filename:
            name, _, value = parts.fragment.partition("=")
            files[filename] = _known({name: value})
    return files


def _known(hashes: Mapping[object, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in hashes.items():
        text = value.lower() if isinstance(value, str) else ""
        if isinstance(name, str) and len(text) == _LENGTHS.get(name) and _HEX.match(text):
            found[name] = text
    return found
