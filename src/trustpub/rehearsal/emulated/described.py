# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Identity providers of which only the claims are known: those that the index has in data, and any other.

The claims are the example that each description brings (:attr:`trustpub.trust.provider.Provider.example_claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.issuer import Form, Issuer
from trustpub.secret import Secret
from trustpub.trust.issuers import PROVIDERS

FORMS: Mapping[str, Form] = {
    "azure": Form(lifetime=600, backdated=600),
    "bitbucket": Form(lifetime=3600, backdated=None, jti=False),
    "buildkite": Form(lifetime=300, jti=False),
    "circleci": Form(lifetime=3600, backdated=None, jti=False),
    "forgejo": Form(lifetime=3600, jti=False),
    "generic": Form(lifetime=300, jti=False),
    "jenkins": Form(lifetime=3600, backdated=None, jti=False, array_audience=True),
    "kubernetes": Form(lifetime=3600, array_audience=True, algorithm="ES256"),
    "semaphore": Form(lifetime=300),
}
"""By kind, as far as it is documented; an hour and no ``jti`` where it is not."""

PATHS: Mapping[str, str] = {"forgejo": "/api/actions", "jenkins": "/oidc"}
"""What the issuers of a kind have after the host, where that is the same for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A job of which nothing is known but its claims."""

    values: Mapping[str, Any]

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """The claims, the same under any issuer."""
        return dict(self.values)


class DescribedIssuer(Issuer):
    """An emulated provider of one of the kinds in :data:`FORMS`."""

    def __init__(
        self, kind: str, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None,
        path: str | None = None,
    ) -> None:  # fmt: skip
        """As :class:`Issuer`; ``path`` instead of the kind's own.

        Raises:
            KeyError: no such kind.
        """
        super().__init__(FORMS[kind], clock=clock, watch=watch, path=PATHS.get(kind, "") if path is None else path)
        self.kind = kind


def example(kind: str) -> Described:
    """The job that the description of ``kind`` tells of, without issuer and ``jti``, which every token gets anew.

    Raises:
        KeyError: no such kind.
    """
    claims = PROVIDERS[kind].example_claims
    return Described(values={name: value for name, value in claims.items() if name not in ("iss", "jti")})
