# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Semaphore: each job has one identity token, for an audience that nobody chooses: the organisation's own address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trustpub.ci import unverified
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.secret import Secret

RECOGNISED_BY = "SEMAPHORE"
"""``true`` there, and nothing else, means Semaphore."""
VARIABLE = "SEMAPHORE_OIDC_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Semaphore:
    """A job on Semaphore."""

    token: Secret
    fixed_audience: str
    """Read from the token."""
    name: str = "Semaphore"
    renews: bool = False

    def identity_token(self, http: Http, audience: str) -> Secret:
        """The job's identity token, the same one each time; ``audience`` must be its own, for there is no other.

        Raises:
            NoIdentity: another audience is asked for.
        """
        unverified.fixed(self, audience)
        return unverified.checked(self.token, audience)


def detect(env: Mapping[str, str]) -> Semaphore | None:
    """The job we are in, if it is one of Semaphore.

    Raises:
        NoIdentity: it is, and has no identity token, or one that is not for one audience.
    """
    if env.get(RECOGNISED_BY) != "true":
        return None
    if not env.get(VARIABLE):
        raise NoIdentity(
            f"This is Semaphore, but the job has no identity token: {VARIABLE} is not set.",
            hint="Semaphore sets it in the jobs of an organisation that has OpenID Connect switched on; in a container "
            f"of your own, hand it on: docker run --env {VARIABLE} …",
        )
    token = Secret(env[VARIABLE])
    audience = unverified.claims(token).get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str) or not audience:
        raise NoIdentity(f"This is Semaphore, but the token in {VARIABLE} is not for one audience, so it is not shown.")
    return Semaphore(token=token, fixed_audience=audience)
