# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an index says of one file: its address, its digest and its provenance, from the Simple API in either form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from trustpub.errors import Declined, Misuse, Unreachable
from trustpub.http import Http
from trustpub.packages.names import BadFilename, read_filename
from trustpub.printable import printable, quoted
from trustpub.proofs import provenance

_PAGE_TYPES = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_PROVENANCE_TYPES = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
_MAX_PAGE_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file as an index lists it."""

    filename: str
    url: str
    sha256: str | None
    provenance: str | None
    """Where its provenance is; None if the index names no place."""


class Index:
    """One index, asked by the address of its Simple API."""

    def __init__(self, http: Http, url: str, authorization: str | None = None) -> None:
        """``authorization``: a header for it, and for no other host."""
        self._http = http
        self.url = url.rstrip("/") + "/"
        self._authorization = authorization

    def listed(self, filename: str) -> Listed:
        """The file of this name.

        Raises:
            Misuse: it is not the name of a distribution.
            Declined: the index does not list it.
            Unreachable: the index does not answer as it should.
        """
        try:
            project = read_filename(filename).name
        except BadFilename as bad:
            raise Misuse(str(bad)) from None
        page = urljoin(self.url, f"{quote(project)}/")
        answer = self._get(page, _PAGE_TYPES, _MAX_PAGE_BYTES)
        if answer is None:
            raise Declined(f"{self._told} has no project {project!r}.")
        content_type, body = answer
        files = _from_json(body) if "json" in content_type else _from_html(body)
        entry = files.get(filename)
        if entry is None:
            raise Declined(f"{self._told} lists no file {filename!r}.")
        proof = entry.get("provenance")
        sha256 = entry.get("sha256")
        return Listed(
            filename=filename,
            url=urljoin(page, str(entry.get("url", ""))),
            sha256=sha256.lower() if isinstance(sha256, str) and sha256 else None,
            provenance=urljoin(page, proof) if isinstance(proof, str) and proof else None,
        )

    def provenance(self, listed: Listed, *, everything: bool = False) -> str:
        """The provenance document of a file: where its page says, else where PyPI's Integrity API has it.

        ``everything``: ask for publishers of kinds, too, that not every reader knows.

        Raises:
            Declined: it has none.
            Unreachable: as :meth:`listed`.
        """
        parsed = read_filename(listed.filename)
        usual = f"/integrity/{parsed.name}/{quote(parsed.version)}/{quote(listed.filename)}/provenance"
        places = [listed.provenance or urljoin(self.url, usual)]
        places = [f"{places[0]}?all", *places] if everything and "?" not in places[0] else places
        for place in places:
            answer = self._get(place, _PROVENANCE_TYPES, provenance.MAX_BYTES)
            if answer is not None:
                return answer[1].decode(errors="replace")
        raise Declined(
            f"{self._told} has no provenance of {listed.filename!r}: nothing says where it came from.",
            hint="It may have been uploaded without an attestation, or by a publisher that only a trust root of your "
            "own vouches for: name that with --trust-root.",
        )

    def content(self, listed: Listed) -> bytes:
        """The file itself."""
        answer = self._get(listed.url, "*/*", MAX_FILE_BYTES)
        if answer is None:
            raise Declined(f"{self._told} lists {listed.filename!r} and does not have it.")
        return answer[1]

    @property
    def _told(self) -> str:
        return f"The index {printable(urlsplit(self.url).netloc, 200)}"

    def _get(self, url: str, accept: str, most: int) -> tuple[str, bytes] | None:
        """Content type and body; None where there is nothing."""
        headers = {"Accept": accept}
        if self._authorization is not None and _origin(url) == _origin(self.url):
            headers["Authorization"] = self._authorization
        answer = self._http.request("GET", url, headers=headers, max_bytes=most, attempts=3)
        if answer.status in (404, 410):
            return None
        where = printable(urlsplit(url).netloc, 200)
        if answer.status in (401, 403):
            raise Declined(
                f"{where} wants to know who asks ({answer.status}).",
                hint="Put a token for reading into ~/.netrc: machine HOST login __token__ password TOKEN",
            )
        if answer.status != 200:
            raise Unreachable(f"{where} answers {answer.status} when asked for {quoted(urlsplit(url).path)}.")
        return answer.headers.get("content-type", "").lower(), answer.body


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _from_json(body: bytes) -> Mapping[str, Mapping[str, Any]]:
    """By file name, what a page in JSON says (PEP 691)."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    files = value.get("files") if isinstance(value, dict) else None
    if not isinstance(files, list):
        raise Unreachable("The index answers with JSON that is no page of the Simple API.")
    found: dict[str, Mapping[str, Any]] = {}
    for one in files:
        if isinstance(one, dict) and isinstance(one.get("filename"), str):
            hashes = one.get("hashes")
            sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
            found[one["filename"]] = {"url": one.get("url"), "sha256": sha256, "provenance": one.get("provenance")}
    return found


class _Anchors(HTMLParser):
    """The files on a page in HTML (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Mapping[str, Any]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        href = given.get("href")
        if tag != "a" or not href:
            return
        url, _, fragment = href.partition("#")
        sha256 = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        self.found[name] = {"url": url, "sha256": sha256, "provenance": given.get("data-provenance")}


def _from_html(body: bytes) -> Mapping[str, Mapping[str, Any]]:
    anchors = _Anchors()
    anchors.feed(body.decode(errors="replace"))
    anchors.close()
    return anchors.found
