# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A build of the ActiveState Platform, played: the platform publishes, and no client of the project's choice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.client import files
from trustpub.http import Http
from trustpub.rehearsal.activestate import Builder, PypiPublisher
from trustpub.rehearsal.emulated.activestate import ActiveStateIssuer, Artifact
from trustpub.rehearsal.impostors import Impostor, acting, differing, in_other_hands, stranger
from trustpub.rehearsal.plays.play import AssumedScript, Clock, Plain, Platform, Watch, Wishes
from trustpub.rehearsal.project import Project, made_up_uuid, repository

TAKES = ("repository",)
_LONGEST = 40
"""Characters of a project's name there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveStatePlay(Plain):
    """The step ``pypi_publisher`` of a build script."""

    issuer: ActiveStateIssuer
    identity: Artifact

    @property
    def fields(self) -> Mapping[str, str]:
        """Organisation and project with the ids, and the account that started the build."""
        built = self.identity
        return {
            "organization": built.organization, "project": built.project, "actor_id": built.actor_id,
            "organization_id": built.organization_id, "project_id": built.project_id,
        }  # fmt: skip

    @property
    def platform(self) -> Platform:
        """The builder."""
        return self._publish

    def variables(self, audience: str) -> Mapping[str, str]:
        """None: nobody but the platform sees a step of its own."""
        return {}

    def impostors(self, audience: str) -> Sequence[Impostor]:
        """Another project or organisation, the same names in other hands, and a builder that is not for publishing."""
        built, token = self.identity, acting(self.issuer, audience)
        other = made_up_uuid(f"other {built.actor_id}")
        return (
            stranger(token(replace(built, project=f"not-{built.project}"[:_LONGEST])), "other project"),
            stranger(token(replace(built, organization=f"not-{built.organization}")), "other organization"),
            in_other_hands("actor_id", token(replace(built, actor_id=other))),
            in_other_hands("organization_id", token(replace(built, organization_id=other))),
            in_other_hands("project_id", token(replace(built, project_id=other))),
            differing("builder", token(replace(built, builder="python-builder")), "other builder of the platform"),
        )

    def _publish(self, http: Http, index: str, paths: Sequence[str]) -> None:
        builder = Builder(self.issuer, self.identity, http)
        builder.run(PypiPublisher(pypi_uri=index), files.collect(paths).distributions)


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A build of the project that is called as the repository, as far as names may be there.

    Raises:
        Misuse: the repository is not ``organisation/project``.
    """
    found = repository(project, wishes.repository, env)
    organization, _, name = found.name.partition("/")
    called = re.sub(r"[^A-Za-z0-9.]+", "-", name)[:_LONGEST].strip("-")

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> ActiveStatePlay:
        built = Artifact(
            organization=organization, project=called, ingredient=called, actor="releaser",
            actor_id=made_up_uuid(f"activestate {organization} releaser"),
        )  # fmt: skip
        return ActiveStatePlay(issuer=ActiveStateIssuer(clock=clock, watch=watch), identity=built)

    doubt = "ActiveState's platform publishes by itself; this was the emulated one, with the exchange of trustpub"
    return AssumedScript(
        kind="activestate", ci="ActiveState", who=found.told, start=start, doubts=(*found.doubts, doubt)
    )
