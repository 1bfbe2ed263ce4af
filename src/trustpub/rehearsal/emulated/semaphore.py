# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Semaphore's identity provider, emulated: one token to a job, for the organisation's own address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SemaphoreJob:
    """A job of a pipeline, with all that Semaphore would vouch for."""

    organization_id: str
    project_id: str
    project: str
    ref: str = "refs/heads/main"
    """Whole."""
    job_type: str = "pipeline_job"
    """Or ``debug_job``, in which somebody types."""

    @property
    def ref_type(self) -> str:
        """``tag`` or ``branch``."""
        return "tag" if self.ref.startswith("refs/tags/") else "branch"

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as Semaphore names and forms them, the same under any issuer."""
        return {
            "sub": f"org:{self.organization_id}:project:{self.project_id}:repo:{self.project}"
            f":ref_type:{self.ref_type}:ref:{self.ref}",
            "org_id": self.organization_id,
            "prj_id": self.project_id,
            "ref_type": self.ref_type,
            "job_type": self.job_type,
            "trg": "hook",
        }


class SemaphoreIssuer(DescribedIssuer):
    """An emulated Semaphore, of one organisation."""

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        super().__init__("semaphore", clock=clock, watch=watch)

    @property
    def audience(self) -> str:
        """Of every token: the organisation's address."""
        return self.url
