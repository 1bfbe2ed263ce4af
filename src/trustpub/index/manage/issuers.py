# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which identity providers the index believes, by which keys and on which terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trustpub.errors import Declined
from trustpub.index.issuers import WantedTerms, make
from trustpub.index.kept import Issuer
from trustpub.index.manage.notes import note
from trustpub.index.ports import FORGET_KEYS, Clock, Reading, Store, Writing
from trustpub.printable import quoted
from trustpub.trust.issuers import PUBLIC_ISSUERS
from trustpub.trust.providers import github


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssuer:
    """An issuer that was added, or changed."""

    issuer: Issuer
    before: Issuer | None
    """As it was known; None if it is new."""
    publishers: int
    """How many publishers are registered with it."""

    @property
    def replaced(self) -> bool:
        """Whether the keys of a known issuer come from elsewhere now: who holds them can be each of its publishers."""
        return self.before is not None and _source(self.before) != _source(self.issuer)

    @property
    def unchanged(self) -> bool:
        """Whether it was known exactly so."""
        return self.before == self.issuer


class Issuers:
    """Changes to issuers on behalf of whoever may run commands beside the index."""

    def __init__(self, store: Store, clock: Clock, *, rehearsal: bool) -> None:
        """``rehearsal``: whether issuers on this machine and under ``.test`` are believed."""
        self._store = store
        self._clock = clock
        self._rehearsal = rehearsal

    def add_public(self, writing: Writing) -> None:
        """Those every index knows from its first start; part of the transaction that makes it."""
        for url, kind in PUBLIC_ISSUERS.items():
            if writing.issuer(url) is None:
                put(writing, make(url, kind, rehearsal=False), self._clock())

    def make(self, url: str, kind: str, **wanted: Any) -> Issuer:
        """The issuer that is described so (see :func:`trustpub.index.issuers.make`), not yet believed.

        Raises:
            Misuse: something of it is not what it must be.
        """
        return make(url, kind, rehearsal=self._rehearsal, **wanted)

    def add(
        self,
        url: str,
        kind: str = github.Identity.kind,
        *,
        jwks: Mapping[str, Any] | None = None,
        ca: str | None = None,
        terms: WantedTerms | None = None,
        audience: str | None = None,
        jwks_hosts: Sequence[str] = (),
        private: bool = False,
    ) -> KnownIssuer:
        """Believe tokens of ``url``, exactly as its ``iss`` spells it, or give a known issuer other keys or terms.

        Raises:
            Misuse: something of it is not what it must be.
            Declined: nothing would change, or the kind would.
        """
        issuer = self.make(
            url, kind, jwks=jwks, ca=ca, terms=terms, audience=audience, jwks_hosts=jwks_hosts, private=private
        )
        with self._store.write() as writing:
            known = put(writing, issuer, self._clock())
            if known.unchanged:
                raise Declined(f"The issuer {url} is known already.")
        return known

    def get(self, url: str) -> Issuer:
        """The issuer of this URL.

        Raises:
            Declined: it is not known.
        """
        with self._store.read() as reading:
            return issuer_at(reading, url)

    def all(self) -> Sequence[Issuer]:
        """All, by URL."""
        with self._store.read() as reading:
            return reading.issuers()

    def remove(self, url: str) -> None:
        """Believe it no more.

        Raises:
            Declined: it is not known, or publishers depend on it.
        """
        with self._store.write() as writing:
            issuer = issuer_at(writing, url)
            depending = [publisher.id for publisher in writing.publishers() if publisher.issuer == url]
            if depending:
                raise Declined(
                    f"{len(depending)} registered publisher(s) depend on the issuer {url}.",
                    hint="Remove them first: " + ", ".join(depending[:5]),
                )
            writing.remove_issuer(url)
            note(writing, self._clock(), "issuer-removed", facts=_facts(issuer))

    def switch(self, url: str | None, *, on: bool) -> Sequence[str]:
        """Take tokens of an issuer, or of all that are known, from now on or no more; those where that is new.

        What depends on it stays as it is. Tokens that were minted before live on: to end those, remove the publisher.

        Raises:
            Declined: it is not known.
        """
        now = self._clock()
        with self._store.write() as writing:
            named = [issuer_at(writing, url)] if url is not None else writing.issuers()
            switched = [issuer.url for issuer in named if writing.switch_issuer(issuer.url, on=on)]
            for one in switched:
                note(writing, now, "issuer-enabled" if on else "issuer-disabled", facts={"issuer": one})
        return switched

    def forget_keys(self, url: str) -> None:
        """Have the keys that were fetched from it fetched anew before the next token of it is believed.

        Raises:
            Declined: it is not known, or its keys were given and are never fetched.
        """
        with self._store.write() as writing:
            if issuer_at(writing, url).jwks is not None:
                raise Declined(
                    f"The keys of {url} were given and are never fetched.",
                    hint=f"Give others: trustpub admin issuer add {url} --jwks FILE",
                )
            times = int(writing.fact(FORGET_KEYS + url) or 0) + 1
            writing.set_fact(FORGET_KEYS + url, str(times))
            note(writing, self._clock(), "issuer-keys-forgotten", facts={"issuer": url})


def put(writing: Writing, issuer: Issuer, at: float) -> KnownIssuer:
    """Add or change an issuer, unless it is known exactly so.

    Raises:
        Declined: it is known as one of another kind.
    """
    before = writing.issuer(issuer.url)
    publishers = sum(publisher.issuer == issuer.url for publisher in writing.publishers())
    known = KnownIssuer(issuer=issuer, before=before, publishers=publishers)
    if known.unchanged:
        return known
    if before is not None and before.kind != issuer.kind:
        raise Declined(f"The issuer {issuer.url} is known as one of kind {before.kind}, and is to be {issuer.kind}.")
    writing.put_issuer(issuer)
    if before is None:
        kind = "issuer-added"
    else:
        kind = "issuer-keys-replaced" if known.replaced else "issuer-changed"
    note(writing, at, kind, facts=_facts(issuer))
    return known


def issuer_at(reading: Reading, url: str) -> Issuer:
    """The issuer of this URL.

    Raises:
        Declined: it is not known.
    """
    issuer = reading.issuer(url)
    if issuer is None:
        raise Declined(f"The issuer {quoted(url)} is not known here.", hint="See them with: trustpub admin issuer list")
    return issuer


def _source(issuer: Issuer) -> tuple[Any, ...]:
    return issuer.jwks, issuer.ca, issuer.jwks_hosts, issuer.private


def _facts(issuer: Issuer) -> dict[str, Any]:
    return {
        "issuer": issuer.url,
        "kind": issuer.kind,
        "keys": "fetched" if issuer.jwks is None else "given",
        "own_ca": issuer.ca is not None,
        "audience": issuer.audience,
        "jwks_hosts": list(issuer.jwks_hosts),
        "private": issuer.private,
        **asdict(issuer.terms),
    }
