# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of CircleCI, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.rehearsal.emulated.circleci import CircleIssuer, CircleJob
from trustpub.rehearsal.emulated.programs import launching
from trustpub.rehearsal.emulated.programs.circleci import DOOR
from trustpub.rehearsal.impostors import Impostor, acting, differing, from_other_ref, in_other_hands, stranger
from trustpub.rehearsal.plays.play import RELEASE_TAGS, AssumedScript, Clock, Plain, Watch, Wishes, from_tags
from trustpub.rehearsal.project import Project, made_up_uuid, repository
from trustpub.trust.publishers import Rules

TAKES = ("repository",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CirclePlay(Plain):
    """A job on an executor of CircleCI's."""

    issuer: CircleIssuer
    identity: CircleJob

    @property
    def fields(self) -> Mapping[str, str]:
        """Organisation, project and pipeline definition, ids all of them, and the repository."""
        job = self.identity
        return {
            "org_id": job.org_id, "project_id": job.project_id, "pipeline_definition_id": job.pipeline_definition_id,
            "vcs_origin": job.origin,
        }  # fmt: skip

    @property
    def rules(self) -> Rules:
        """From tags only."""
        return from_tags()

    @property
    def programs(self) -> Mapping[str, str]:
        """The one that gives tokens."""
        return {"circleci": launching.script("circleci", {DOOR: self.issuer.door_url})}

    def variables(self, audience: str) -> Mapping[str, str]:
        """What CircleCI sets in a job; two identity tokens among it that are for no index."""
        job = self.identity
        owner, _, name = job.repository.partition("/")
        given = {variable: token.reveal() for variable, token in self.issuer.variables(job).items()}
        return {
            "CI": "true",
            "CIRCLECI": "true",
            "CIRCLE_BUILD_NUM": "123",
            "CIRCLE_JOB": "publish",
            "CIRCLE_NODE_INDEX": "0",
            "CIRCLE_NODE_TOTAL": "1",
            "CIRCLE_ORGANIZATION_ID": job.org_id,
            "CIRCLE_PIPELINE_ID": job.pipeline_id,
            "CIRCLE_PROJECT_ID": job.project_id,
            "CIRCLE_PROJECT_REPONAME": name,
            "CIRCLE_PROJECT_USERNAME": owner,
            "CIRCLE_REPOSITORY_URL": f"https://{job.origin}",
            "CIRCLE_TAG": job.ref.removeprefix("refs/tags/"),
            "CIRCLE_WORKFLOW_ID": job.workflow_id,
            "CIRCLE_WORKFLOW_JOB_ID": job.job_id,
            **given,
        }

    def impostors(self, audience: str) -> Sequence[Impostor]:
        """Another pipeline or project, the same one elsewhere or in other hands, a branch, and a job with a door."""
        job, token = self.identity, acting(self.issuer, audience)
        other = made_up_uuid(f"other {job.project_id}")
        return (
            differing("pipeline_definition_id", token(replace(job, pipeline_definition_id=other)), "other pipeline"),
            stranger(token(replace(job, project_id=other)), "other project, same repository"),
            in_other_hands("org_id", token(replace(job, org_id=other))),
            differing("vcs_origin", token(replace(job, repository=f"not-{job.repository}")), "other repository"),
            from_other_ref(token(replace(job, ref="refs/heads/main"))),
            differing("oidc.circleci.com/ssh-rerun", token(replace(job, ssh_rerun=True)), "job run again over SSH"),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A job of the pipeline that is the repository's.

    Raises:
        Misuse: the repository is not ``owner/name``.
    """
    found = repository(project, wishes.repository, env)

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> CirclePlay:
        owner, _, _ = found.name.partition("/")
        job = CircleJob(
            repository=found.name,
            org_id=made_up_uuid(f"circleci {owner}"),
            project_id=made_up_uuid(f"circleci {found.name}"),
            pipeline_definition_id=made_up_uuid(f"circleci {found.name} pipeline"),
            ref=RELEASE_TAGS + tag,
        )
        issuer = CircleIssuer(clock=clock, watch=watch)
        issuer.serve(job)
        return CirclePlay(issuer=issuer, identity=job)

    return AssumedScript(kind="circleci", ci="CircleCI", who=found.told, start=start, doubts=found.doubts)
