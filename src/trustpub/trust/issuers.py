# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The closed table from kinds of issuers to what reads their claims. Issuers themselves are data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trustpub.trust.claims import SignedClaims
from trustpub.trust.decision import Identity
from trustpub.trust.providers import github

PROVIDERS: Mapping[str, Callable[[SignedClaims], Identity]] = {
    github.Identity.kind: github.Identity.from_claims,
}
"""Kind -> maker of identities, which raises :class:`trustpub.trust.claims.BadClaim`."""

PUBLIC_ISSUERS: Mapping[str, str] = {github.ISSUER: github.Identity.kind}
"""Issuers that every index knows from its first start, and their kinds."""
