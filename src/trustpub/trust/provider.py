# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an identity provider is to this index: which claims it makes, and what a publisher of its kind may say.

A provider is a value. Most are made of data alone (:mod:`trustpub.trust.preset`); one is code only where a rule cannot
be said in data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.trust.claims import SignedClaims
from trustpub.trust.decision import Identity

ENVELOPE = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
"""Claims that every identity token may have (RFC 7519 section 4.1)."""

SHARED_AUDIENCE_AGE = 600
"""Seconds: a token whose audience is not ours alone may be replayed by others, so it must be nearly new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The claims of a provider, by what is done with them. A claim stands in one of the first three, or in none."""

    verified: frozenset[str]
    """Must be there, and are compared with the publisher or must have one value."""
    required: frozenset[str] = frozenset()
    """Must be there, and are compared with nothing."""
    optional: frozenset[str] = frozenset()
    """Compared where a publisher or a rule asks for it."""
    unchecked: frozenset[str] = frozenset()
    """Known, and without consequence."""
    prefixes: tuple[str, ...] = ()
    """Beginnings of names that are known and without consequence, as ``repo_property_``."""

    def unknown(self, claims: Iterable[str]) -> tuple[str, ...]:
        """Those of ``claims`` that the provider did not have when this was written: somebody should look."""
        known = ENVELOPE | self.verified | self.required | self.optional | self.unchecked
        return tuple(sorted(name for name in claims if name not in known and not name.startswith(self.prefixes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How tokens of an issuer are taken. Administrators may set them; a provider brings the defaults."""

    algorithms: tuple[str, ...] = ("RS256",)
    """RS256, ES256 or both. Never taken from a token (RFC 8725 section 3.1)."""
    array_audience: bool = False
    """Whether ``aud`` may be an array of one, as jjwt (Jenkins) and Kubernetes write it."""
    max_age: int = 24 * 3600
    """Seconds since ``iat``."""
    max_lifetime: int = 24 * 3600
    """Seconds from ``iat`` to ``exp``."""
    token_lifetime: int = 900
    """Seconds that an upload token lives (PEP 807: 900 to 21,600). More is for a CI that gives a job one identity
    token only, so that it cannot mint again."""


CIRCUMSTANCES = frozenset({"ref", "ref_protected", "event", "runner"})
"""What rules can be about: the fields of :class:`trustpub.trust.decision.Circumstances`."""

USUAL = Terms()
"""Those of a provider, or an issuer, that says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing a publisher of this kind says."""

    name: str
    title: str
    """For people, as "Repository"."""
    example: str
    required: bool = True
    immutable: bool = False
    """An id that is never given to anybody else. Looked up, given, or pinned at first use; never left open."""
    claim: str = ""
    """Of a preset: the claim that must have the field's value."""
    workload: bool = False
    """Says which workflow, pipeline or job it is, and not only whose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a field of a registration."""

    field: str
    problem: str
    """A clause: "is not a file name that ends in .yml or .yaml"."""
    hint: str = ""


class BadFields(ValueError):
    """Fields that no publisher of this kind can have; all faults at once. Only names and clauses, never values."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field} {fault.problem}" for fault in self.faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One kind of identity provider."""

    kind: str
    """A word for commands and rows, as ``github``."""
    title: str
    """As people call it."""
    fields: tuple[Field, ...]
    """In the order to ask for them. Empty for the generic kind, whose fields are claims that the publisher names."""
    census: Census
    identify: Callable[[SignedClaims], Identity]
    """The identity that claims describe; raises :class:`trustpub.trust.claims.BadClaim`."""
    spell: Callable[[Mapping[str, str]], dict[str, str]]
    """The fields in the provider's own spelling, empty optional ones left out; raises :class:`BadFields`."""
    lookup: Callable[[Mapping[str, str]], str]
    """Of spelled fields: the one text under which a publisher is found; one of :attr:`Identity.lookups` of any
    identity that it could mean."""
    identity_fields: Callable[[Mapping[str, str]], Mapping[str, str]]
    """Of spelled fields: those that make it this publisher and no other, folded where the forge ignores case."""
    propose: Callable[[SignedClaims], Mapping[str, str]] = lambda claims: {}
    """The fields, as a person would type them, of the narrowest publisher that the job with these claims is, wherever
    and whenever it runs again; raises :class:`trustpub.trust.claims.BadClaim`. None, where a person must choose."""
    issuers: tuple[str, ...] = ()
    """Public ones, known to every index from its first start."""
    issuer_form: str = "https://HOST"
    """What an issuer of this kind looks like, for people."""
    is_issuer: Callable[[str], bool] = lambda url: True
    """Whether an issuer of this kind can have this URL (already known to be one)."""
    terms: Terms = USUAL
    has_jti: bool = True
    """Whether its tokens carry a ``jti``; then one without, or with an empty one, is refused."""
    fixed_audience: bool = False
    """Jobs cannot choose the audience: any other relying party of the issuer could replay their tokens here. Only for
    an administrator who accepts that, with an issuer of one tenant, and tokens of :data:`SHARED_AUDIENCE_AGE`."""
    experimental: bool = False
    """The documents at hand leave open what its tokens look like: believe an issuer of it only after looking at one."""
    tells: frozenset[str] = CIRCUMSTANCES
    """Which of the circumstances its tokens can tell. A rule about another could never be kept."""
    kept_claims: tuple[str, ...] = ()
    """Claims worth keeping in events: what happened, nothing personal."""
    hosts: tuple[str, ...] = ()
    """Hosts at which only this provider has issuers, beside those of :attr:`issuers`. One that begins with a dot
    stands for every host under it."""
    sources: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Document to the claims it names: where what is said here was read."""
    notes: tuple[str, ...] = ()
    """Sentences for whoever registers a publisher: what to set in the job, what not to expect."""
    example_claims: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """A token's claims as documented, without audience and times."""
    example_fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """A publisher of that token, as a person types it."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the immutable fields."""
        return tuple(field.name for field in self.fields if field.immutable)


def seen(claims: Mapping[str, Any], names: Iterable[str], limit: int = 300) -> dict[str, str]:
    """The claims of these names that are plain values, as texts of at most ``limit`` characters."""
    values = {name: claims[name] for name in names if isinstance(claims.get(name), str | int | bool)}
    return {name: (value if isinstance(value, str) else str(value).lower())[:limit] for name, value in values.items()}
