# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The closed table from kinds of issuers to their providers. Issuers themselves are data."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from trustpub.trust.preset import preset
from trustpub.trust.provider import Provider
from trustpub.trust.providers import activestate, generic, github, gitlab, google
from trustpub.trust.providers.presets import (
    azure,
    bitbucket,
    buildkite,
    circleci,
    forgejo,
    jenkins,
    kubernetes,
    semaphore,
)

PRESETS = (
    circleci.PRESET,
    buildkite.PRESET,
    kubernetes.PRESET,
    jenkins.PRESET,
    forgejo.PRESET,
    bitbucket.PRESET,
    semaphore.PRESET,
    azure.PRESET,
)
"""Those described in data alone."""

PROVIDERS: Mapping[str, Provider] = {
    one.kind: one
    for one in (
        github.PROVIDER,
        gitlab.PROVIDER,
        google.PROVIDER,
        activestate.PROVIDER,
        *map(preset, PRESETS),
        generic.PROVIDER,
    )
}
"""By kind; the generic one last."""

PUBLIC_ISSUERS: Mapping[str, str] = {url: one.kind for one in PROVIDERS.values() for url in one.issuers}
"""Issuers that every index knows from its first start, and their kinds.

Those that PyPI believes too. No preset is among them: each issuer believed is one more that could be deceived, and a
preset was made from documents alone, so an administrator who wants it says so.
"""


def belongs_to(url: str) -> str | None:
    """The kind that alone has issuers at the host of ``url``; None if any provider could be there.

    Such an issuer is never registered as another kind: then nobody would look at the claims that matter.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return None
    for one in PROVIDERS.values():
        own = {urlsplit(issuer).hostname for issuer in one.issuers}
        if host in own or any(host == name or _is_under(host, name) for name in one.hosts):
            return one.kind
    return None


def _is_under(host: str, name: str) -> bool:
    return name.startswith(".") and host.endswith(name)


def kind_of(url: str) -> tuple[str, ...]:
    """The kinds of which an issuer with this URL can be; empty if it belongs to one that has no such issuer."""
    owner = belongs_to(url)
    kinds = PROVIDERS if owner is None else (owner,)
    return tuple(kind for kind in kinds if PROVIDERS[kind].is_issuer(url))
