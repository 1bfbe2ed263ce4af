# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Forgejo Actions, played."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.rehearsal import jobs
from trustpub.rehearsal.emulated.forgejo import ForgejoIssuer, ForgejoRun
from trustpub.rehearsal.impostors import Impostor, Outcome, acting, differing, in_other_hands, stranger, unguarded
from trustpub.rehearsal.plays.play import Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, Repository, repository
from trustpub.workflow import forgejo
from trustpub.workflow.read import PublishingJob

TAKES = ("repository", "workflow")
_ASSUMED = "release.yml"
_ANY_ENVIRONMENT = (
    "no claim that is documented names an environment, so any job of the workflow file may publish; keep the job that "
    "publishes in a file of its own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgejoScript:
    """The publishing job of a workflow."""

    job: PublishingJob
    folder: str
    """Where the workflow files are."""
    read: bool
    """Whether the job was found in a workflow file."""
    repository: Repository
    kind: str = "forgejo"
    ci: str = "Forgejo Actions"

    @property
    def told(self) -> str:
        """Repository, job and workflow."""
        job, file = self.job, f"{self.folder}/{printable(self.job.workflow)}"
        return f"{self.repository.told}, {f'job {printable(job.job)} of {file}' if self.read else f'{file}, not read'}"

    @property
    def notes(self) -> Sequence[str]:
        """Where the real job would go another way, and what was assumed."""
        said = f"no workflow file was read; a job of {self.job.workflow} that publishes from a tag was assumed"
        return (*jobs.notes(self.job), *([] if self.read else [said]), *self.repository.doubts)

    @property
    def commands(self) -> Sequence[str]:
        """Shell lines of the jobs it needs, then its own."""
        return self.job.commands

    def tag(self, version: str) -> str:
        """The name of a tag that starts the workflow."""
        return jobs.tag(self.job, version)

    def begin(self, version: str, sha: str, *, clock: Clock, watch: Watch | None) -> ForgejoPlay:
        """The run that releases ``version``."""
        like = jobs.run(self.job, self.repository, version=version, sha=sha)
        run = ForgejoRun(
            repository=like.repository, repository_id=like.repository_id, owner_id=like.owner_id,
            workflow=like.workflow, folder=self.folder, event=like.event, ref=like.ref, sha=sha,
        )  # fmt: skip
        issuer = ForgejoIssuer(clock=clock, watch=watch)
        issuer.serve(run)
        return ForgejoPlay(issuer=issuer, identity=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgejoPlay(Plain):
    """A job on a runner of Forgejo's."""

    issuer: ForgejoIssuer
    identity: ForgejoRun

    @property
    def fields(self) -> Mapping[str, str]:
        """The ids of repository and owner, and the claim that names the workflow file."""
        run = self.identity
        return {
            "repository_id": run.repository_id, "owner_id": run.owner_id, "/workflow": json.dumps(run.workflow),
        }  # fmt: skip

    def variables(self, audience: str) -> Mapping[str, str]:
        """What a runner sets in a step with ``enable-openid-connect``: GitHub's names, and one of its own."""
        run = self.identity
        return {
            **jobs.variables(run),
            "FORGEJO_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.issuer.origin,
            "GITHUB_WORKFLOW": run.workflow,
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.issuer.request_url(run),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.issuer.request_token.reveal(),
        }

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Another file, the same name in other hands, and another job of the file, which nothing tells apart."""
        run, token = self.identity, acting(self.issuer, audience)
        other_file = "impostor.yml" if run.workflow != "impostor.yml" else "other.yml"
        return (
            differing("/workflow", token(replace(run, workflow=other_file)), "other workflow file"),
            stranger(
                token(replace(run, repository_id=str(int(run.repository_id) + 1))), "other repository id, same name"
            ),
            in_other_hands("owner_id", token(replace(run, owner_id=str(int(run.owner_id) + 1)))),
            unguarded("other job of the file", _ANY_ENVIRONMENT),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> ForgejoScript:
    """The job of the project's workflows that publishes it; where there are none, one of the file that is named.

    Raises:
        Misuse: which job is meant cannot be known; or the repository is not ``owner/name``.
        NoIdentity: Forgejo would give the job no identity token.
    """
    folder = forgejo.folder(project.root)
    if folder is None:
        workflow = wishes.workflow or _ASSUMED
        if "/" in workflow or not workflow.endswith((".yml", ".yaml")):
            raise Misuse(f"{printable(workflow)} is not the name of a workflow file.", hint="Such as: release.yml")
        job, read = jobs.named(workflow, None), False
    else:
        job, read = forgejo.publishing_job(project.root, folder, wishes.workflow), True
    found = repository(project, wishes.repository, env)
    place = (folder or forgejo.FOLDERS[0]).as_posix()
    return ForgejoScript(job=job, folder=place, read=read, repository=found)
