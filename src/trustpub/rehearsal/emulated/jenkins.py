# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Jenkins with its plugin oidc-provider, emulated: one token to a credential, bound to a variable of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.ci.gitlab import variables
from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class JenkinsBuild:
    """A build of a job, with all that the plugin would vouch for."""

    path: tuple[str, ...]
    """Folders, outermost first, then the job."""
    number: str = "42"

    def url(self, jenkins: str) -> str:
        """Address of the job, in the Jenkins at ``jenkins``."""
        return f"{jenkins}/{''.join(f'job/{name}/' for name in self.path)}"

    def claims(self, issuer: str) -> dict[str, Any]:
        """Its claims, as the plugin names and forms them. ``sub`` is the address of the job."""
        return {"sub": self.url(issuer.removesuffix("/oidc")), "build_number": self.number}


class JenkinsIssuer(DescribedIssuer):
    """An emulated Jenkins."""

    jwks_path = "/jwks"

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        super().__init__("jenkins", clock=clock, watch=watch)

    def bind(self, build: JenkinsBuild, audience: str) -> Mapping[str, Secret]:
        """The token of the credential for ``audience``, by the variable that the job binds it to."""
        return {variables(audience)[0]: self.give(build, audience)}
