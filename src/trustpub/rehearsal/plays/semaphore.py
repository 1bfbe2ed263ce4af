# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Semaphore, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.rehearsal.emulated.semaphore import SemaphoreIssuer, SemaphoreJob
from trustpub.rehearsal.impostors import Impostor, Outcome, acting, differing, in_other_hands, stranger, unguarded
from trustpub.rehearsal.plays.play import RELEASE_TAGS, AssumedScript, Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, made_up_uuid, repository

TAKES = ("repository",)
_SHARED = (
    "every identity token of Semaphore is for the organisation's own address: whoever is shown one could use it "
    "elsewhere; index and job must both accept that (--accept-shared-audience)"
)
_ANY_PIPELINE = (
    "no claim that is documented names the pipeline or its file, so any pipeline of the project that runs on a tag may "
    "publish; protect the tags"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SemaphorePlay(Plain):
    """A job on a machine of Semaphore's."""

    issuer: SemaphoreIssuer
    identity: SemaphoreJob
    sha: str

    @property
    def fields(self) -> Mapping[str, str]:
        """Organisation and project, ids both, and the kind of ref."""
        job = self.identity
        return {"organization_id": job.organization_id, "project_id": job.project_id, "ref_type": job.ref_type}

    @property
    def shared_audience(self) -> str:
        """The organisation's address."""
        return self.issuer.audience

    def variables(self, audience: str) -> Mapping[str, str]:
        """What Semaphore sets in a job; its one identity token among it, whatever ``audience`` the index has."""
        job = self.identity
        return {
            "CI": "true",
            "SEMAPHORE": "true",
            "SEMAPHORE_GIT_REF": job.ref,
            "SEMAPHORE_GIT_REF_TYPE": job.ref_type,
            "SEMAPHORE_GIT_SHA": self.sha,
            "SEMAPHORE_GIT_TAG_NAME": job.ref.removeprefix(RELEASE_TAGS),
            "SEMAPHORE_JOB_ID": "1b3c5d7e-2f40-4a61-8b92-c3d4e5f60718",
            "SEMAPHORE_JOB_NAME": "publish",
            "SEMAPHORE_OIDC_TOKEN": self.issuer.give(job, self.issuer.audience).reveal(),
            "SEMAPHORE_ORGANIZATION_URL": self.issuer.url,
            "SEMAPHORE_PIPELINE_ID": "6f5e4d3c-2b1a-4098-8765-43210fedcba9",
            "SEMAPHORE_PROJECT_ID": job.project_id,
            "SEMAPHORE_PROJECT_NAME": job.project,
            "SEMAPHORE_WORKFLOW_ID": "0a9b8c7d-6e5f-4a3b-8c1d-0e2f4a6b8c0d",
        }

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Another project, the same one in other hands, a branch, a debug job, and another pipeline."""
        job, token = self.identity, acting(self.issuer, audience)
        other = made_up_uuid(f"other {job.project_id}")
        return (
            stranger(token(replace(job, project_id=other)), "other project, same name"),
            in_other_hands("organization_id", token(replace(job, organization_id=other))),
            differing("ref_type", token(replace(job, ref="refs/heads/main")), "same job from a branch"),
            differing("job_type", token(replace(job, job_type="debug_job")), "debug job"),
            unguarded("other pipeline of the project", _ANY_PIPELINE),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A job of the project that is called as the repository.

    Raises:
        Misuse: the repository is not ``organisation/project``.
    """
    found = repository(project, wishes.repository, env)

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> SemaphorePlay:
        organization, _, name = found.name.partition("/")
        job = SemaphoreJob(
            organization_id=made_up_uuid(f"semaphore {organization}"),
            project_id=made_up_uuid(f"semaphore {found.name}"),
            project=name,
            ref=RELEASE_TAGS + tag,
        )
        return SemaphorePlay(issuer=SemaphoreIssuer(clock=clock, watch=watch), identity=job, sha=sha)

    doubts = (*found.doubts, _SHARED)
    return AssumedScript(kind="semaphore", ci="Semaphore", who=found.told, start=start, doubts=doubts)
