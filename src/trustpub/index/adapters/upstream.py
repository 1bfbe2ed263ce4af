# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index behind this one, over the legacy upload API and the Simple API, as any client of it would speak."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from trustpub.errors import Misuse, TrustpubError, Unreachable
from trustpub.http import BUSY, Http, Redirected, Response, split
from trustpub.index.ports import Has, Outgoing, Reply, Sent, UpstreamDown
from trustpub.index.settings import Gateway
from trustpub.protocol.upload import CONTENT
from trustpub.remote.form import Form
from trustpub.remote.listing import ACCEPT, MAX_PAGE_BYTES, read_listing
from trustpub.remote.refusals import refusal, says_there, sentences, without
from trustpub.secret import Secret

ANSWER_SECONDS = 600.0
"""How long it may think about a file that it has: scanners and slow storage are behind some."""
_BARRED = frozenset({401, 403, 404, 405, 407})
"""Statuses that speak of who uploads, or of where; not of the file."""
_NOT_NOW = frozenset({429})
"""Statuses that say that nothing was done."""
_STRENGTH = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")
"""By which digest a file is told from another, where its page has several."""


class HttpUpstream:
    """An :class:`trustpub.index.ports.Upstream`. May be shared by threads."""

    def __init__(self, gateway: Gateway, *, env: Mapping[str, str]) -> None:
        """``env``: for proxies and certificates.

        Raises:
            Misuse: a URL cannot be asked, or the certificates to believe cannot be read.
        """
        uploads, pages = split(gateway.upload_url), split(gateway.simple_url)
        self._gateway = gateway
        self._http = Http(env=env, ca=gateway.ca)
        # Elsewhere than where it uploads, nobody is shown what it uploads with.
        self._reads_alike = (uploads.scheme, uploads.netloc.lower()) == (pages.scheme, pages.netloc.lower())

    def has(self, file: Outgoing) -> Has:
        reads = _header(self._credential()) if self._reads_alike else {}
        try:
            response = self._http.request(
                "GET",
                f"{self._gateway.simple_url.rstrip('/')}/{quote(file.project, safe='')}/",
                headers={"Accept": ACCEPT, "Cache-Control": "max-age=0", **reads},
                max_bytes=MAX_PAGE_BYTES,
                attempts=2,
            )
        except Redirected:
            return Has.NONE  # to where it sends those who ask for what it has not
        except Unreachable as error:
            raise UpstreamDown(error.message) from None
        listing = read_listing(response)
        if listing.failed:
            raise UpstreamDown(f"{urlsplit(self._gateway.simple_url).netloc}: {listing.unread}.")
        if listing.unread is not None:
            return Has.UNKNOWN
        hashes = listing.files.get(file.filename)
        if hashes is None:
            return Has.NONE
        name = next((one for one in _STRENGTH if one in hashes), None)
        if name is None:
            return Has.UNKNOWN
        return Has.SAME if file.digest(name) == hashes[name] else Has.OTHER

    def send(self, file: Outgoing) -> Sent:
        credential = self._credential()
        whole = False

        def watch(taken: int, total: int) -> None:
            nonlocal whole
            whole = taken >= total

        form = Form(
            file.fields, file_field=CONTENT, filename=file.filename, path=file.path, size=file.size, watch=watch
        )
        try:
            response = self._http.request(
                "POST",
                self._gateway.upload_url,
                headers={
                    "Accept": "application/json, application/problem+json;q=0.9, text/plain;q=0.8, text/html;q=0.5",
                    **_header(credential),
                },
                body=form,
                read_seconds=ANSWER_SECONDS,
            )
        except Redirected as error:
            return Sent(reply=Reply.BARRED, said=error.message)
        except Misuse:  # the staged file is not as it was: this machine's fault, and nothing that could be told
            raise
        except TrustpubError as error:
            return Sent(reply=Reply.UNSEEN if whole else Reply.BUSY, said=error.message)
        return _read(response, credential)

    def _credential(self) -> _Credential | None:
        """What it uploads with now; what it started with, where the file is gone for the moment."""
        gateway = self._gateway
        password = gateway.password
        if gateway.password_file is not None:
            with suppress(OSError, ValueError):
                text = Path(gateway.password_file).read_text("utf-8").rstrip("\r\n")
                if text and text.isprintable():
                    password = Secret(text)
        return None if password is None else _Credential(gateway.user, password)


@dataclass(frozen=True, slots=True)
class _Credential:
    """A user and a password, as HTTP Basic has them (RFC 7617)."""

    user: str
    password: Secret

    def encoded(self) -> str:
        """A secret, too."""
        return base64.b64encode(f"{self.user}:{self.password.reveal()}".encode()).decode()


def _header(credential: _Credential | None) -> dict[str, str]:
    return {} if credential is None else {"Authorization": f"Basic {credential.encoded()}"}


def _read(response: Response, credential: _Credential | None) -> Sent:
    if 200 <= response.status < 300:
        return Sent(reply=Reply.TAKEN)
    response = without(() if credential is None else (credential.password.reveal(), credential.encoded()), response)
    no = refusal(response)
    said = f"{' '.join(sentences(no))} ({response.status})"
    if says_there(no, response.reason):
        return Sent(reply=Reply.EXISTS, said=said)
    if response.status in _BARRED:
        return Sent(reply=Reply.BARRED, said=said)
    if response.status in _NOT_NOW:
        return Sent(reply=Reply.BUSY, said=said, retry_after=_seconds(response))
    if response.status in BUSY or response.status >= 500:
        return Sent(reply=Reply.UNSEEN, said=said, retry_after=_seconds(response))
    return Sent(reply=Reply.REFUSED, said=said)


def _seconds(response: Response) -> int | None:
    """``Retry-After`` (RFC 9110 section 10.2.3), where it is a number that makes sense."""
    text = response.headers.get("retry-after", "").strip()
    return min(int(text), 3600) if text.isascii() and text.isdigit() and len(text) < 10 else None
