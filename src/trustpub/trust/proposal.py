# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The publisher that a job would be: which kind, and the fields to register so that it, and nobody else, is trusted.

Nothing is decided here: whoever registers it looks at the proposal first. So claims may be read whose signature nobody
checked, as long as they come from the job itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.decision import Check, Identity
from trustpub.trust.issuers import PROVIDERS, PUBLIC_ISSUERS, belongs_to, kind_of
from trustpub.trust.provider import ENVELOPE, BadFields, Provider
from trustpub.trust.publishers import Publisher
from trustpub.trust.values import TooManyValues, find, plain, plain_values
from trustpub.trust.wanted import NEVER_WANTED

GENERIC = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to register."""

    kind: str
    issuer: str
    fields: Mapping[str, str]
    """As a person types them. Empty where a person must choose."""
    choices: Mapping[str, str]
    """Further fields that could be wanted, each as it is typed."""
    must_choose: bool
    """Whether at least one of :attr:`choices` has to be added before an index takes this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field in which a job is not the publisher that was meant."""

    field: str
    wanted: str
    given: str | None
    """None: the identity says nothing about it."""


def kind_for(issuer: str, claims: Mapping[str, Any], likely: Iterable[str] = ()) -> str:
    """The kind of provider whose claims these are: that of the issuer, where it tells.

    Where it does not, as on a server of one's own, the first of ``likely``, and then of the kinds that have such
    issuers, that can read the claims; the generic one where none can.
    """
    known = PUBLIC_ISSUERS.get(issuer) or belongs_to(issuer)
    if known is not None:
        return known
    for kind in likely:
        if _reads(PROVIDERS[kind], claims):
            return kind
    for kind in kind_of(issuer):
        # One that demands nothing but what every token has reads everything.
        if PROVIDERS[kind].census.verified - ENVELOPE and _reads(PROVIDERS[kind], claims):
            return kind
    return GENERIC


def propose(kind: str, issuer: str, claims: Mapping[str, Any]) -> Proposal:
    """The publisher of this kind that a job with these claims would be.

    Raises:
        BadClaim: no publisher of this kind can be: a claim is missing, or says something that is never trusted.
    """
    provider = PROVIDERS[kind]
    fields = provider.propose(SignedClaims(claims))
    choices = dict(_choices(provider, claims, fields))
    try:
        provider.spell(fields)
        complete = True
    except BadFields:
        complete = False
    return Proposal(kind=kind, issuer=issuer, fields=fields, choices=choices, must_choose=not complete)


def moulded(publisher: Publisher, identity: Identity, claims: Mapping[str, Any]) -> Mapping[str, str]:
    """The fields of ``publisher`` as they would have to be for this job, as a person types them; ids among them.

    What holds stays as it is registered. A field for which the job has nothing is left out: whoever registers the
    rest registers more jobs than ``publisher`` means.
    """
    provider = PROVIDERS[publisher.kind]
    named = {field.name: field.claim for field in provider.fields}
    found = dict(publisher.fields)
    for check in identity.checks(publisher):
        if check.holds or check.field not in found:
            continue
        claim = named.get(check.field, check.field)  # without a claim, a field of a provider that is code
        given = plain(find(claims, claim)) if claim else check.given
        if given is None:
            del found[check.field]
        else:
            found[check.field] = given
    ids = {name: value for name, value in identity.anchors(publisher).items() if value is not None}
    return {**ids, **found}


def differences(publisher: Publisher, kind: str, issuer: str, claims: Mapping[str, Any]) -> tuple[Difference, ...]:
    """In what the job with these claims is not ``publisher``, judged as an index judges it; empty: it is the one."""
    found: list[Difference] = []
    if kind != publisher.kind:
        found.append(Difference(field="kind", wanted=publisher.kind, given=kind))
    if issuer != publisher.issuer:
        found.append(Difference(field="issuer", wanted=publisher.issuer, given=issuer))
    if kind != publisher.kind:
        return tuple(found)  # its fields mean nothing there
    try:
        identity = PROVIDERS[kind].identify(SignedClaims(claims))
    except BadClaim as bad:
        given = plain(claims.get(bad.name))
        return (*found, Difference(field=bad.name, wanted=f"another: it {bad.problem}", given=given))
    return (*found, *map(_difference, (check for check in identity.checks(publisher) if not check.holds)))


def compared_first(kind: str, claims: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of claims: those that are compared, the others that tell of the job, and those that every token has."""
    census = PROVIDERS[kind].census
    compared = census.verified | census.optional | census.required
    own = [name for name in claims if name in compared]
    envelope = [name for name in claims if name in ENVELOPE and name not in compared]
    rest = [name for name in claims if name not in own and name not in envelope]
    return tuple(sorted(own)), tuple(sorted(rest)), tuple(sorted(envelope))


def _reads(provider: Provider, claims: Mapping[str, Any]) -> bool:
    try:
        provider.identify(SignedClaims(claims))
    except BadClaim:
        return False
    return True


def _choices(provider: Provider, claims: Mapping[str, Any], taken: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Fields that the kind has words for, and, where a person may name claims, those that are left."""
    for field in provider.fields:
        if field.claim and field.name not in taken:
            value = find(claims, field.claim)
            one = value[0] if isinstance(value, list) and value else value
            if isinstance(one, str) and one:
                yield field.name, one
    if provider.kind != GENERIC and not _names_claims(provider, taken):
        return
    try:
        values = plain_values(claims)
    except TooManyValues:
        return
    used = {field.claim for field in provider.fields}
    for name, value in values.items():
        if name not in NEVER_WANTED and name not in used:
            yield name if provider.kind == GENERIC or name.startswith("/") else f"/{name}", value


def _names_claims(provider: Provider, fields: Mapping[str, str]) -> bool:
    """Whether a publisher of this kind must name a claim beside its own fields."""
    try:
        provider.spell(fields)
    except BadFields as bad:
        return any(fault.field.startswith("/") for fault in bad.faults)
    return False


def _difference(check: Check) -> Difference:
    return Difference(field=check.field, wanted=check.wanted, given=check.given)
