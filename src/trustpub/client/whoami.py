# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who a job is: what its identity token says, and whether that is the publisher which the project declares.

Nothing leaves the job: the index is asked for its audience at most, and is never shown the token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.ci import unverified
from trustpub.ci.detection import Job
from trustpub.client.exchange import Exchange, Listener
from trustpub.client.indexes import Index
from trustpub.declared import DeclaredPublisher
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.trust.claims import BadClaim
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.proposal import Difference, Proposal, differences, kind_for, propose


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a job is."""

    ci: str
    """For people."""
    audience: str
    """That was asked for."""
    fixed_audience: str | None
    """Of every token of this CI, where nobody can choose."""
    kind: str
    issuer: str
    claims: Mapping[str, Any]
    proposal: Proposal | None
    """None: no publisher can be this job; :attr:`fault` says why."""
    fault: str | None
    differences: tuple[Difference, ...] | None
    """From the publisher declared; None: none is declared."""
    notes: tuple[str, ...]
    """What will go wrong at the index, in sentences."""


def account(
    http: Http, job: Job, listener: Listener, *, index: Index | None, audience: str | None,
    declared: DeclaredPublisher | None,
) -> Account:  # fmt: skip
    """Who ``job`` is to ``index``, which is asked for its audience unless ``audience`` says it; one of them is there.

    Raises:
        ValueError: neither ``index`` nor ``audience`` is given.
        NoIdentity: the job has no identity token, or one without an issuer.
        TrustpubError: those of :meth:`trustpub.client.exchange.Exchange.audience`.
    """
    if audience is None:
        if index is None:
            raise ValueError("neither an index nor an audience")
        audience = Exchange(http, index, job, listener).audience()
    token = job.identity_token(http, job.fixed_audience or audience)
    listener.mask(token)
    claims = unverified.claims(token)
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise NoIdentity("The identity token says no issuer (`iss`), so nobody could believe it.")
    kind = kind_for(issuer, claims, _likely(job, declared, issuer))
    proposal, fault = None, None
    try:
        proposal = propose(kind, issuer, claims)
    except BadClaim as bad:
        fault = f"The claim {printable(bad.name, 100)} {bad.problem}, so no publisher of this kind can be this job."
    return Account(
        ci=job.name,
        audience=audience,
        fixed_audience=job.fixed_audience or _shared(kind, claims),
        kind=kind,
        issuer=issuer,
        claims=claims,
        proposal=proposal,
        fault=fault,
        differences=None if declared is None else differences(declared.to_compare(issuer), kind, issuer, claims),
        notes=tuple(_notes(job, audience, claims)),
    )


def _likely(job: Job, declared: DeclaredPublisher | None, issuer: str) -> list[str]:
    """Kinds to try first where the issuer's address tells none: that of the CI we are in, and the one declared."""
    found = [kind for kind, provider in PROVIDERS.items() if provider.title.startswith(job.name)]
    if declared is not None and declared.issuer == issuer:
        found.insert(0, declared.kind)
    return found


def _shared(kind: str, claims: Mapping[str, Any]) -> str | None:
    """The audience of a token that was given, where no job of its kind can choose one."""
    audience = claims.get("aud")
    return audience if PROVIDERS[kind].fixed_audience and isinstance(audience, str) else None


def _notes(job: Job, audience: str, claims: Mapping[str, Any]) -> Iterator[str]:
    fixed, asked = job.fixed_audience, printable(audience, 256)
    if fixed is not None and fixed != audience:
        yield (
            f"{job.name} gives identity tokens for the audience {printable(fixed, 256)} only, and {asked} is asked "
            f"for. To show one all the same: --accept-shared-audience {printable(fixed, 256)}"
        )
    elif claims.get("aud") not in (audience, [audience]):
        yield f"The token is not for the audience {asked}, which is asked for: it would be refused."
