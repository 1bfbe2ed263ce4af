# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The closed table from kinds of issuers to their providers. Issuers themselves are data."""

from __future__ import annotations

from collections.abc import Mapping

from trustpub.trust.provider import Provider
from trustpub.trust.providers import github

PROVIDERS: Mapping[str, Provider] = {one.kind: one for one in (github.PROVIDER,)}
"""By kind."""

PUBLIC_ISSUERS: Mapping[str, str] = {url: one.kind for one in PROVIDERS.values() for url in one.issuers}
"""Issuers that every index knows from its first start, and their kinds."""
