# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Bitbucket Pipelines' identity provider, emulated: one token to a step, made when it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class BitbucketStep:
    """A step of a pipeline, with all that Bitbucket is known to vouch for."""

    repository_uuid: str
    """In braces."""
    step_uuid: str = "{3d7e9b15-0c42-4f8a-b6d1-7a5e2c9f4830}"
    """In braces; another in each run."""

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as Bitbucket names and forms them, the same under any issuer."""
        return {"sub": f"{self.repository_uuid}:{self.step_uuid}", "repositoryUuid": self.repository_uuid}


class BitbucketIssuer(DescribedIssuer):
    """An emulated Bitbucket, of one workspace."""

    def __init__(
        self, workspace: str, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None
    ) -> None:
        """As :class:`Issuer`."""
        path = f"/2.0/workspaces/{workspace}/pipelines-config/identity/oidc"
        super().__init__("bitbucket", clock=clock, watch=watch, path=path)
