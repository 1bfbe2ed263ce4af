# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Bitbucket Pipelines: a step that asks for it has one identity token, for the audiences that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trustpub.ci import unverified
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.secret import Secret

RECOGNISED_BY = "BITBUCKET_BUILD_NUMBER"
"""Set in every step of Bitbucket Pipelines."""
VARIABLE = "BITBUCKET_STEP_OIDC_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitbucket:
    """A step on Bitbucket Pipelines that may have an identity token."""

    token: Secret | None
    name: str = "Bitbucket Pipelines"
    renews: bool = False
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """The step's identity token, if it is for ``audience`` alone: the same one each time.

        Raises:
            NoIdentity: the step has none, or it is for another audience or for several; says what to write into it.
        """
        if self.token is None:
            raise NoIdentity(
                f"This is Bitbucket Pipelines, but the step has no identity token: {VARIABLE} is not set.",
                hint=_mend(audience),
            )
        return unverified.checked(self.token, audience, hint=_mend(audience))


def detect(env: Mapping[str, str]) -> Bitbucket | None:
    """The step we are in, if it is one of Bitbucket Pipelines."""
    if not env.get(RECOGNISED_BY):
        return None
    return Bitbucket(token=Secret(env[VARIABLE]) if env.get(VARIABLE) else None)


def _mend(audience: str) -> str:
    return (
        "Give the step that publishes this, in bitbucket-pipelines.yml:\n"
        "    oidc:\n"
        "      audiences:\n"
        f"        - {audience}\n"
        "and no other audience beside it: whoever is named there could use the token elsewhere. `oidc: true` alone "
        "gives a token for the workspace."
    )
