# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""ActiveState's identity provider, emulated. Its builder is :mod:`trustpub.rehearsal.activestate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.issuer import Form, Issuer
from trustpub.secret import Secret

LIFETIME = 600
"""Seconds from ``iat`` to ``exp``. The platform documents none; this is ours."""
PATH = "/api/v1/oauth/oidc"
"""What the issuer has after its host, as the platform's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A build of an ingredient by the platform, with all that it would vouch for."""

    organization: str
    project: str
    actor: str
    actor_id: str
    """UUID of the user who started it."""
    organization_id: str = "f6b7c2a1-0b5e-4c0e-9d1f-6f1a4e0c1b2d"
    project_id: str = "4a2d3c1e-7f60-4b8b-8b53-0e9d8c7b6a59"
    artifact_id: str = "9c1d2e3f-4a5b-4c6d-8e7f-0a1b2c3d4e5f"
    ingredient: str = "hello"
    builder: str = "pypi-publisher"

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as the platform names and forms them, the same under any issuer."""
        return {
            "sub": f"org:{self.organization}:project:{self.project}",
            "actor": self.actor,
            "actor_id": self.actor_id,
            "artifact_id": self.artifact_id,
            "builder": self.builder,
            "ingredient": self.ingredient,
            "organization": self.organization,
            "organization_id": self.organization_id,
            "project": self.project,
            "project_id": self.project_id,
            "project_path": f"{self.organization}/{self.project}",
            "project_visibility": "public",
        }


class ActiveStateIssuer(Issuer):
    """An emulated ActiveState platform."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        super().__init__(Form(lifetime=LIFETIME, jti=False), clock=clock, watch=watch, path=PATH)
