# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where the exchange of an index is: as its discovery document says (PEP 807), else where PyPI has it.

Only an answer that knows nothing of discovery (404, 405, 406, or no JSON at all) leads to PyPI's addresses on the host
of the upload URL. A document that breaks the rules ends the release: it may have been written by somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from trustpub.addresses import is_loopback
from trustpub.client.indexes import Index
from trustpub.errors import Declined, NoTrustedPublishing, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http
from trustpub.protocol.accept import JSON_TYPE, PYTP_TYPE
from trustpub.protocol.discovery import discovery_url, read_discovery
from trustpub.protocol.exchange import (
    AUDIENCE_PATH,
    BURN_PATH,
    MINT_PATH,
    MULTI_USE,
    PROBLEM_TYPE,
    SINGLE_USE,
    BadBody,
    NotJson,
    read_object,
)
from trustpub.remote.refusals import told

ACCEPT = f"{PYTP_TYPE}, {JSON_TYPE};q=0.9, {PROBLEM_TYPE};q=0.8"
"""What every request of the exchange asks for: PEP 807's type, and PyPI's answers."""
_UNKNOWN = frozenset({404, 405, 406})
"""Statuses of a server without discovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The addresses of an exchange, and what it can do."""

    audience_url: str
    mint_url: str
    burn_url: str
    features: tuple[str, ...] = ()
    """As told (PEP 807); empty where nothing is."""
    default_features: tuple[str, ...] = (MULTI_USE,)
    """What a token is that was asked for without a word about features."""
    sigstore: str | None = None
    """URL of the trust configuration of the Sigstore instance that the index wants; None: it names none."""
    discovered: bool = False
    """Whether a discovery document says so."""

    @property
    def single_use(self) -> bool:
        """Whether every file needs a token of its own, because the index gives no others."""
        return MULTI_USE not in (*self.features, *self.default_features)

    @property
    def wish(self) -> tuple[str, ...]:
        """The features to name in a mint request; none where the default is what is wanted."""
        wanted = SINGLE_USE if self.single_use else MULTI_USE
        return () if self.default_features == (wanted,) else (wanted,)


def usual(index: Index) -> Endpoints:
    """PyPI's addresses, on the host of the upload URL."""
    return Endpoints(
        audience_url=index.origin + AUDIENCE_PATH,
        mint_url=index.origin + MINT_PATH,
        burn_url=index.origin + BURN_PATH,
    )


def find(http: Http, index: Index) -> Endpoints:
    """Those of ``index``. PyPI and TestPyPI are not asked, since theirs are documented.

    Raises:
        Declined: its discovery document breaks the rules of PEP 807, or it gives no kind of token that we can use.
        NoTrustedPublishing: it answers, in JSON, that there is none.
        Unreachable: it fails, or answers with a redirect.
    """
    if index.built_in:
        return usual(index)
    response = http.request("GET", discovery_url(index.upload_url), headers={"Accept": ACCEPT}, attempts=ATTEMPTS)
    if response.status in _UNKNOWN:
        return usual(index)
    if response.status in BUSY or response.status >= 500:
        raise Unreachable(told(f"{index.origin} fails when asked where its exchange is", response))
    try:
        if response.status != 200:
            read_object(response.body)
            raise NoTrustedPublishing(told(f"{index.origin} offers no Trusted Publishing", response))
        found = read_discovery(response.body, index.upload_url, plain=is_loopback)
    except NotJson:
        return usual(index)
    except BadBody as error:
        if response.status != 200:
            raise NoTrustedPublishing(told(f"{index.origin} offers no Trusted Publishing", response)) from None
        raise Declined(
            f"{index.origin} says where its exchange is in a way that breaks the rules of PEP 807 ({error}). "
            "No identity token was requested.",
            hint="Its operator must mend this. It may as well be that somebody else answers in its place.",
        ) from None
    made = Endpoints(
        audience_url=found.audience_url,
        mint_url=found.mint_url,
        burn_url=_beside(found.mint_url),
        features=found.features,
        default_features=found.default_features,
        sigstore=found.sigstore,
        discovered=True,
    )
    if made.single_use and SINGLE_USE not in (*made.features, *made.default_features):
        raise Declined(
            f"{index.origin} gives out tokens of a kind that is not known here. No identity token was requested.",
            hint=f"A newer trustpub may know it; this one knows {MULTI_USE} and {SINGLE_USE} (PEP 807).",
        )
    return made


def _beside(mint_url: str) -> str:
    """Where a token is given back. PEP 807 does not say; PyPI has it beside the mint."""
    parts = urlsplit(mint_url)
    mint, burn = MINT_PATH.rpartition("/")[2], BURN_PATH.rpartition("/")[2]
    folder, _, last = parts.path.rpartition("/")
    return parts._replace(path=f"{folder}/{burn}" if last == mint else BURN_PATH, query="").geturl()
