# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub Actions.

Claims: docs.github.com, "OpenID Connect reference". ``sub`` is never looked at: organisations rewrite it, and since
July 2026 it has two forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trustpub.trust.claims import BadClaim, SignedClaims, optional_text, text
from trustpub.trust.decision import Check
from trustpub.trust.publishers import Publisher

ISSUER = "https://token.actions.githubusercontent.com"
"""github.com's own; other GitHub servers have theirs."""

FORBIDDEN_EVENT = "pull_request_target"
"""Runs with the repository's identity on behalf of whoever opens a pull request."""

_WORKFLOW = re.compile(
    r"(?P<repository>[^/@]+/[^/@]+)/\.github/workflows/(?P<file>[^/@]+\.ya?ml)@(?P<at>.+)", re.DOTALL
)
_REPOSITORY = re.compile(r"(?P<owner>[^/]+)/(?P<name>[^/]+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A job of GitHub Actions."""

    kind: ClassVar[str] = "github"

    issuer: str
    repository: str
    """``owner/name``, in GitHub's own case (claim ``repository``)."""
    owner_id: str
    """``repository_owner_id``: stays when the account is renamed, and is never given again."""
    repository_id: str | None
    """``repository_id``, likewise for the repository."""
    workflow: str
    """File name, when the job's workflow lies in this repository at the commit or ref of the run; otherwise the
    whole ``job_workflow_ref``, which is no file name and equals none."""
    environment: str | None
    event: str
    ref: str
    sha: str
    jti: str

    @classmethod
    def from_claims(cls, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: one that is required is missing, or of a form that GitHub never gives it.
        """
        repository = text(claims, "repository")
        split = _REPOSITORY.fullmatch(repository)
        if split is None:
            raise BadClaim("repository", "is not `owner/name`")
        if text(claims, "repository_owner").lower() != split["owner"].lower():
            raise BadClaim("repository_owner", "is not the owner in `repository`")
        ref, sha = _present(claims, "ref"), _present(claims, "sha")
        return cls(
            issuer=text(claims, "iss"),
            repository=repository,
            owner_id=text(claims, "repository_owner_id"),
            repository_id=optional_text(claims, "repository_id"),
            workflow=_workflow(text(claims, "job_workflow_ref"), repository, {ref, sha} - {""}),
            environment=optional_text(claims, "environment"),
            event=text(claims, "event_name"),
            ref=ref,
            sha=sha,
            jti=text(claims, "jti"),
        )

    @property
    def anchors(self) -> Mapping[str, str | None]:
        """The two ids that outlive every rename."""
        return {"owner_id": self.owner_id, "repository_id": self.repository_id}

    def specificity(self, publisher: Publisher) -> int:
        """A publisher that names an environment is meant before one that allows any."""
        return int("environment" in publisher.fields)

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Repository, ids, workflow, environment and event.

        Names of owners, repositories and environments are compared without case, as GitHub does; file names with it.
        """
        wanted = publisher.fields
        checks = [_same("repository", wanted.get("repository", ""), self.repository, fold=True)]
        for name, given in self.anchors.items():
            if name in wanted:
                checks.append(_same(name, wanted[name], given))
            elif not publisher.pin_on_first_use:
                # Names can be given to somebody else; without an id nothing tells them apart.
                checks.append(Check(field=name, wanted="a registered id", given=given, holds=False))
            elif given is None:
                checks.append(Check(field=name, wanted="an id to pin", given=None, holds=False))
        checks.append(_same("workflow", wanted.get("workflow", ""), self.workflow))
        if "environment" in wanted:
            checks.append(_same("environment", wanted["environment"], self.environment, fold=True))
        event = Check(
            field="event", wanted=f"not {FORBIDDEN_EVENT}", given=self.event, holds=self.event != FORBIDDEN_EVENT
        )
        return (*checks, event)


def _present(claims: SignedClaims, name: str) -> str:
    """A claim that must be there, and may be empty."""
    return "" if claims.get(name) == "" else text(claims, name)


def _workflow(job_workflow_ref: str, repository: str, places: set[str]) -> str:
    match = _WORKFLOW.fullmatch(job_workflow_ref)
    if match is None:
        raise BadClaim("job_workflow_ref", "names no workflow file")
    if not places:
        raise BadClaim("ref", "is empty, and so is `sha`")
    own = match["repository"].lower() == repository.lower() and match["at"] in places
    return match["file"] if own else job_workflow_ref


def _same(field: str, wanted: str, given: str | None, *, fold: bool = False) -> Check:
    holds = bool(wanted) and given is not None and (wanted.lower() == given.lower() if fold else wanted == given)
    return Check(field=field, wanted=wanted, given=given, holds=holds)
