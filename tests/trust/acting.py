# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The documented example of a provider: its job, its publisher, and in what a changed one differs."""

from __future__ import annotations

from typing import Any

from trustpub.trust.claims import SignedClaims
from trustpub.trust.decision import Identity, Refused, Trusted, decide
from trustpub.trust.provider import Provider
from trustpub.trust.publishers import Link, Publisher, Rules


def claims_of(provider: Provider, changes: dict[str, Any]) -> SignedClaims:
    """The documented claims; a change to None takes one away."""
    claims = {**provider.example_claims, **changes}
    return SignedClaims({name: value for name, value in claims.items() if value is not None})


def publisher_of(
    provider: Provider,
    changes: dict[str, str | None],
    *,
    issuer: str | None = None,
    pin: bool = False,
    rules: Rules | None = None,
) -> Publisher:
    """Who is registered for the documented job; a change to None takes a field away."""
    fields = {**provider.example_fields, **changes}
    return Publisher(
        id="pub",
        issuer=issuer or provider.issuers[0],
        kind=provider.kind,
        fields={name: value for name, value in fields.items() if value is not None},
        links=(Link(project_id="p", project="hello", rules=rules or Rules()),),
        pin_on_first_use=pin,
    )


def misses(identity: Identity, publisher: Publisher) -> list[tuple[str, str | None]]:
    """Fields that differ, and what was given; none where the publisher is trusted."""
    verdict = decide(identity, [publisher], 0)
    if isinstance(verdict, Trusted):
        return []
    assert isinstance(verdict, Refused)
    return [(check.field, check.given) for check in verdict.near_misses[0].failed]
