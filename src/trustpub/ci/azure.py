# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Azure Pipelines: a job asks its server for an identity token. Nobody chooses the audience of it.

Every token is meant for Microsoft's own exchange, so whoever is shown one could show it there, and to every other that
takes this audience.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trustpub.ci import unverified
from trustpub.ci.endpoint import judge, member, usable
from trustpub.errors import NoIdentity
from trustpub.http import ATTEMPTS, Http
from trustpub.secret import Secret

RECOGNISED_BY = "TF_BUILD"
"""``True`` there, with a capital, and nothing else, means Azure Pipelines."""
REQUEST_URL = "SYSTEM_OIDCREQUESTURI"
ACCESS_TOKEN = "SYSTEM_ACCESSTOKEN"  # noqa: S105 - the name of a variable
AUDIENCE = "api://AzureADTokenExchange"
"""Of every token."""

_VERSION = "api-version=7.1"
_ENDPOINT = "The identity endpoint of Azure Pipelines"
_MAP = (
    "Azure Pipelines hands the job's token to no script unless it is told to. Give the step that publishes this, in "
    "azure-pipelines.yml:\n"
    "    env:\n"
    "      SYSTEM_ACCESSTOKEN: $(System.AccessToken)"
)
_OLD = "The agent sets it by itself: update the agent, and run this in a job of a pipeline, not in a classic release."


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """A job on Azure Pipelines that may have an identity token."""

    request_url: str
    access_token: Secret
    name: str = "Azure Pipelines"
    renews: bool = True
    fixed_audience: str | None = AUDIENCE

    def identity_token(self, http: Http, audience: str) -> Secret:
        """A fresh identity token; ``audience`` must be :data:`AUDIENCE`, for there is no other.

        Raises:
            NoIdentity: another audience is asked for, or the endpoint refuses, or answers with something else.
            Unreachable: it cannot be reached, or is busy, even after several attempts.
        """
        unverified.fixed(self, audience)
        joint = "&" if "?" in self.request_url else "?"
        response = http.request(
            "POST",
            f"{self.request_url}{joint}{_VERSION}",
            headers={
                "Authorization": f"Bearer {self.access_token.reveal()}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
            body=b"",
            attempts=ATTEMPTS,
        )
        judge(response, _ENDPOINT, f"The job's token is good only while the job runs. {_MAP}")
        return unverified.checked(member(response, "oidcToken", _ENDPOINT), audience)


def detect(env: Mapping[str, str]) -> Azure | None:
    """The job we are in, if it is one of Azure Pipelines.

    Raises:
        NoIdentity: it is, and has no identity token to give; says which variable is missing and what to set.
    """
    if env.get(RECOGNISED_BY) != "True":
        return None
    # A macro that nobody replaced is no value.
    missing = [name for name in (ACCESS_TOKEN, REQUEST_URL) if not env.get(name) or env[name].startswith("$(")]
    if missing:
        raise NoIdentity(
            f"This is Azure Pipelines, but the job cannot ask for an identity token: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set.",
            hint=_MAP if ACCESS_TOKEN in missing else _OLD,
        )
    usable(env[REQUEST_URL], REQUEST_URL)
    return Azure(request_url=env[REQUEST_URL], access_token=Secret(env[ACCESS_TOKEN]))
