# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Buildkite: the program ``buildkite-agent`` asks for an identity token, and for ids that are left out otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trustpub.ci import program, unverified
from trustpub.http import Http
from trustpub.secret import Secret

RECOGNISED_BY = "BUILDKITE"
"""``true`` there, and nothing else, means Buildkite."""
PROGRAM = "buildkite-agent"
IDS = "organization_id,pipeline_id"
"""Claims that are in a token only on request. Without them an index cannot tell a pipeline from one that took over its
name."""

_ABSENT = (
    "The agent brings it. In a container that the Docker plugin starts, it is there with this in pipeline.yml, beside "
    "the plugin's `image:`:\n"
    "    mount-buildkite-agent: true\n"
    "    propagate-environment: true"
)
_FAILED = (
    "The agent must be able to reach Buildkite and be new enough to know `oidc request-token --claim`; in a container "
    "BUILDKITE_JOB_ID and BUILDKITE_AGENT_ACCESS_TOKEN must be set (`propagate-environment: true`)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildkite:
    """A job on Buildkite."""

    env: Mapping[str, str] = field(repr=False)
    """For the program."""
    name: str = "Buildkite"
    renews: bool = True
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """A fresh identity token for ``audience``, with the ids of organisation and pipeline.

        Raises:
            NoIdentity: the program is not there, fails, or gives something else.
        """
        arguments = ("oidc", "request-token", "--audience", audience, "--claim", IDS)
        given = program.ask(PROGRAM, arguments, self.env, absent=_ABSENT, failed=_FAILED)
        return unverified.checked(given, audience, hint=_FAILED)


def detect(env: Mapping[str, str]) -> Buildkite | None:
    """The job we are in, if it is one of Buildkite. The program is looked for when a token is asked for."""
    return Buildkite(env=env) if env.get(RECOGNISED_BY) == "true" else None
